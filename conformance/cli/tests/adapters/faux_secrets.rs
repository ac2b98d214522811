//! A token that is printed is found, and gets no further.

use crate::stage::{Stage, cases};

#[test]
fn a_printed_token_fails_the_case_and_is_withheld() {
    for fault in ["mutters-a-token", "prints-a-token"] {
        let stage = Stage::new();
        let reports = ["--json", "all.json", "--junit", "all.xml", "--markdown", "all.md", "--annotations"];
        let cases = cases();
        let args = [&["run", "--scenarios", &cases, "-j", "1"], &reports[..]].concat();
        let shown = stage.play(fault, &args);
        assert_eq!(stage.results(), ["pass", "fail", "pass"], "{fault}\n{}", shown.stdout);
        assert!(shown.stdout.contains("MUST no-secret-in-log"), "{fault}\n{}", shown.stdout);
        assert!(shown.stdout.contains("at#2 stands in the log"), "{fault}\n{}", shown.stdout);
        assert!(shown.stdout.contains("| (withheld: it contains at#2)"), "{fault}\n{}", shown.stdout);
        let files = ["all.json", "all.xml", "all.md", "regrant-out/run.jsonl"];
        let written = files.map(|name| std::fs::read_to_string(stage.folder.path().join(name)).unwrap());
        for text in written.iter().chain([&shown.stdout, &shown.stderr]) {
            assert!(!text.contains("ya29."), "{fault}\n{text}");
        }
    }
}
