//! `regrant selftest`: runs every scenario against every mutant of the reference client.

use std::sync::Arc;

use conformance::catalogue::Catalogue;
use conformance::check::Gate;
use conformance::event::Event;
use conformance::handshake::Probing;
use conformance::runner::{self, Plan, Share};
use conformance::selftest::{Detail, KillMatrix, Scope};
use futures_util::StreamExt as _;
use reference_adapter::Defect;
use serde_json::json;

use crate::args::{SelftestArgs, TargetName};
use crate::exit::{Exit, Failure, Outcome};
use crate::run::{bar, save};
use crate::selection::sound_catalogue;
use crate::target::ReferenceTarget;

/// Mutants at a time.
const AT_ONCE: usize = 4;

pub(crate) async fn selftest(args: &SelftestArgs) -> Outcome {
    let catalogue = sound_catalogue(&[])?;
    let defects = if args.mutants.is_empty() { Defect::ALL } else { &args.mutants };
    let bar = bar(catalogue.entries.len() * (defects.len() + 1));
    let tick = |event: &Event| {
        if let (Event::CaseFinished(_), Some(bar)) = (event, &bar) {
            bar.inc(1);
        }
    };
    let jobs = args.jobs.get();
    let reference = events(&catalogue, TargetName::Reference, jobs, tick).await?;
    let mut matrix = KillMatrix::of_reference(&reference);
    matrix.scope = if args.mutants.is_empty() { Scope::AllMutants } else { Scope::SomeMutants };
    // Mutants mostly wait for time limits, so several of them share the processors well.
    let mutants = defects.iter().map(|defect| async {
        bar.iter().for_each(|bar| bar.set_message(defect.name()));
        let log = events(&catalogue, TargetName::Mutant(*defect), jobs, tick).await?;
        Ok::<_, Failure>((defect.name(), log))
    });
    let mut logs = futures_util::stream::iter(mutants).buffered(AT_ONCE);
    while let Some(outcome) = logs.next().await {
        let (name, log) = outcome?;
        matrix.add_mutant(name, &log);
    }
    drop(logs);
    bar.iter().for_each(indicatif::ProgressBar::finish_and_clear);
    let broken = if args.mutants.is_empty() { matrix.broken_promises(&catalogue.entries) } else { vec![] };
    broken.iter().for_each(|sentence| anstream::println!("{sentence}"));
    let exit = report(args, &matrix)?;
    Ok(if broken.is_empty() { exit } else { Exit::Unexpected })
}

async fn events(
    catalogue: &Catalogue,
    target: TargetName,
    jobs: usize,
    tick: impl Fn(&Event),
) -> Result<Vec<Event>, Failure> {
    let plan = Plan {
        target: Arc::new(ReferenceTarget::new(target)?),
        entries: catalogue.entries.clone(),
        references: catalogue.references.clone(),
        jobs,
        seed: 0,
        gate: Gate::Should,
        date: String::new(),
        share: Share::default(),
        known: vec![],
        probing: Probing::Nothing,
        sources: vec![],
    };
    let mut log = vec![];
    let ran = runner::run(plan, std::future::pending(), |event| {
        tick(event);
        log.push(event.clone());
    });
    ran.await.map_err(|error| Failure::new(Exit::NothingMeasured, error))?;
    Ok(log)
}

fn report(args: &SelftestArgs, matrix: &KillMatrix) -> Outcome {
    if let Some(path) = &args.json {
        let kills: Vec<_> =
            matrix.kills.iter().map(|(mutant, caught)| json!({"mutant": mutant, "caught_by": caught})).collect();
        let scenarios = matrix.by_scenario();
        let summary =
            json!({"kills": kills, "scenarios": scenarios, "unclean": matrix.unclean, "toothless": matrix.toothless()});
        save(path, &format!("{summary:#}\n"))?;
    }
    anstream::print!("{}", matrix.render(if args.full { Detail::Full } else { Detail::Short }));
    Ok(if matrix.proved() { Exit::Ok } else { Exit::Unexpected })
}
