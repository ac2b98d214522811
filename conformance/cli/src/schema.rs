//! `regrant schema`: the formats, for editors and for other programs.

use conformance::schema::{answer_schema, known_schema, manifest_schema, request_schema, scenario_schema};

use crate::args::{SchemaArgs, SchemaName};
use crate::exit::{Exit, Outcome};

pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = match args.of {
        SchemaName::Scenario => scenario_schema(),
        SchemaName::Request => request_schema(),
        SchemaName::Answer => answer_schema(),
        SchemaName::Adapter => manifest_schema(),
        SchemaName::Known => known_schema(),
    };
    anstream::println!("{schema:#}");
    Ok(Exit::Ok)
}
