//! A YAML document as a tree that remembers where everything stood.

/// A range of bytes in a source file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One after the last byte.
    pub end: usize,
}

/// A value and where it stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stood.
    pub span: Span,
}

/// A key of a mapping and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: String,
    /// Where it stood.
    pub span: Span,
}

/// What a node can be. Numbers stay text: what they mean depends on where they stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as text.
    Number(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in order.
    Map(Vec<(Key, Node)>),
}

/// Something wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Where, unless it is about the whole file.
    pub span: Option<Span>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn at(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), span: Some(span), help: None }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same problem with the nearest of the known names as advice, if one is near.
    #[must_use]
    pub fn suggesting<'a>(self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(given, known) {
            Some(name) => self.with_help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// The known name that is nearest to a given one, if it is near enough to be what was meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (strsim::damerau_levenshtein(given, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + given.len() / 3).then_some(name)
}

impl Node {
    /// The text of a scalar, whatever it looks like.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Bool(value) => Some(value.to_string()),
            Value::Number(text) | Value::Text(text) => Some(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What sort of thing it is, in words.
    pub const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The members of a mapping.
    ///
    /// # Errors
    /// When it is none.
    pub fn members(&self) -> Result<&[(Key, Self)], Problem> {
        match &self.value {
            Value::Map(members) => Ok(members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                Err(Problem::at(self.span, format!("expected a mapping, found {}", self.kind())))
            }
        }
    }

    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members().ok()?.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    /// Takes a key out of a mapping.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        let Value::Map(members) = &mut self.value else { return None };
        let index = members.iter().position(|(key, _)| key.name == name)?;
        Some(members.remove(index).1)
    }

    /// Puts a key into a mapping, in place of its namesake.
    pub fn put(&mut self, key: Key, value: Self) {
        let Value::Map(members) = &mut self.value else { return };
        members.retain(|(known, _)| known.name != key.name);
        members.push((key, value));
    }
}
