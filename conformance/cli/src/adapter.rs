//! `regrant adapter`: an adapter examined, or begun.

use std::fs;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use conformance::check_up::{CheckUp, Finding, Outcome as Tried};
use rust_embed::Embed;

use crate::args::{AdapterCommand, CheckArgs, Language, NewArgs};
use crate::examine::examine;
use crate::exit::{Exit, Failure, Outcome};
use crate::target::Chosen;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The templates, a folder for each language.
#[derive(Embed)]
#[folder = "templates"]
struct Templates;

pub(crate) async fn adapter(command: &AdapterCommand) -> Outcome {
    match command {
        AdapterCommand::Check(args) => check(args).await,
        AdapterCommand::New(args) => begin(args),
    }
}

async fn check(args: &CheckArgs) -> Outcome {
    let chosen = Chosen::of(&args.against)?;
    let found = examine(chosen.target).await?;
    found.findings.iter().for_each(|finding| anstream::println!("{}", line(finding)));
    anstream::println!("\n{}", sum(&found));
    Ok(match (found.is_good(), &found.introduction) {
        (true, _) => Exit::Ok,
        (false, Some(_)) => Exit::Unexpected,
        (false, None) => Exit::NothingMeasured,
    })
}

fn line(finding: &Finding) -> String {
    let tried = &finding.tried;
    match &finding.outcome {
        Tried::Good => format!("{GOOD}ok{GOOD:#}    {tried}"),
        Tried::NotTried(why) => format!("{OPEN}-{OPEN:#}     {tried}\n        not tried: {why}"),
        Tried::Wrong { seen, advice } => {
            format!("{BAD}wrong{BAD:#} {tried}\n        seen    {seen}\n        mend    {advice}")
        }
    }
}

fn sum(found: &CheckUp) -> String {
    let wrong = found.findings.iter().filter(|finding| finding.is_wrong()).count();
    match (wrong, &found.introduction) {
        (0, Some(introduction)) => {
            let settle = introduction.settle.as_millis();
            format!("the adapter is sound; further requests are waited for {settle} ms; now `regrant run` it")
        }
        (0, None) => "the adapter is sound".to_owned(),
        (1, _) => "1 thing is wrong".to_owned(),
        (wrong, _) => format!("{wrong} things are wrong"),
    }
}

fn begin(args: &NewArgs) -> Outcome {
    let language = folder_of(args.lang);
    if args.folder.exists() {
        return Err(Failure::usage(format!("{} is there already", args.folder.display())));
    }
    let files: Vec<_> = Templates::iter().filter(|path| path.starts_with(language)).collect();
    for path in &files {
        let Some(file) = Templates::get(path) else { continue };
        let relative = path.trim_start_matches(language).trim_start_matches('/');
        write(&args.folder.join(relative.trim_end_matches(".template")), &file.data)?;
    }
    let shown = args.folder.display();
    anstream::println!(
        "{} files in {shown}; read {shown}/README.md, then: regrant adapter check --adapter {shown}",
        files.len()
    );
    Ok(Exit::Ok)
}

const fn folder_of(language: Language) -> &'static str {
    match language {
        Language::Node => "node/",
        Language::Python => "python/",
        Language::Go => "go/",
        Language::Java => "java/",
        Language::Rust => "rust/",
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
    }
    fs::write(path, bytes).map_err(|error| Failure::file(path, &error))?;
    make_runnable(path, bytes)
}

/// A script that begins with `#!` is there to be run.
#[cfg(unix)]
fn make_runnable(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    if !bytes.starts_with(b"#!") {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(|error| Failure::file(path, &error))
}

#[cfg(not(unix))]
fn make_runnable(_: &Path, _: &[u8]) -> Result<(), Failure> {
    Ok(())
}
