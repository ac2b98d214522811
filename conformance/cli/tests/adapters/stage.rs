//! A bad adapter on stage: the command is run against it, and what becomes of its processes is watched.

use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Real time after which a command counts as stuck.
const STUCK: Duration = Duration::from_secs(90);

/// Real time for the kernel to close what a killed process had open.
const BURIAL: Duration = Duration::from_secs(5);

/// A folder, and a witness of all processes of the adapter.
pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    witness: TcpListener,
}

/// How a command ended.
pub(crate) struct Shown {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What each process of the adapter had to say.
    pub(crate) processes: Vec<String>,
}

/// The bad adapter, which cargo puts beside the command.
fn adapter() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_regrant")).parent().unwrap().join("examples");
    let path = folder.join("faux-adapter").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(path.exists(), "{} is not built: cargo build -p regrant --examples", path.display());
    path
}

/// The scenarios of which a fault befalls the one in the middle.
pub(crate) fn cases() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/adapters/cases").display().to_string()
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), witness: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    /// The command line of an adapter with this fault.
    pub(crate) fn faux(&self, fault: &str) -> Vec<String> {
        let address: SocketAddr = self.witness.local_addr().unwrap();
        vec![adapter().display().to_string(), fault.to_owned(), format!("--witness={address}")]
    }

    /// The command against an adapter with this fault.
    pub(crate) fn command(&self, fault: &str, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.arg("--").args(self.faux(fault));
        command
    }

    /// Runs a command against an adapter with this fault. Nothing of it is left afterwards.
    pub(crate) fn play(&self, fault: &str, args: &[&str]) -> Shown {
        self.watch(self.command(fault, args))
    }

    /// Runs a command to its end, and waits for the end of everything that it has started.
    pub(crate) fn watch(&self, command: Command) -> Shown {
        let Output { status, stdout, stderr } = in_time(command);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Shown { code: status.code(), stdout: text(stdout), stderr: text(stderr), processes: self.everybody() }
    }

    /// Runs a command that brings its target with it, or needs none.
    pub(crate) fn plainly(&self, args: &[&str]) -> Shown {
        self.watch(self.bare(args))
    }

    /// The command without a target behind `--`.
    pub(crate) fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regrant"));
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command
    }

    /// Makes a folder of an adapter that describes itself.
    pub(crate) fn describe(&self, name: &str, fault: &str) {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let command = serde_json::json!(self.faux(fault));
        std::fs::write(folder.join("regrant.yaml"), format!("regrant: 1\nname: {name}\ncommand: {command}\n")).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    /// Runs the three cases, one after the other.
    pub(crate) fn run(&self, fault: &str) -> Shown {
        self.play(fault, &["run", "--scenarios", &cases(), "-j", "1"])
    }

    /// Writes one of the three cases anew, changed.
    pub(crate) fn rewrite(&self, case: &str, name: &str, change: (&str, &str)) {
        let text = std::fs::read_to_string(Path::new(&cases()).join(format!("{case}.yaml"))).unwrap();
        assert!(text.contains(change.0), "{text}");
        let text = text.replace(change.0, change.1).replace(&format!("id: {case}\n"), &format!("id: {name}\n"));
        std::fs::write(self.folder.path().join(format!("{name}.yaml")), text).unwrap();
    }

    /// The reports of the cases of the last run, in order.
    pub(crate) fn reports(&self) -> Vec<Value> {
        let log = self.read("regrant-out/run.jsonl");
        let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["event"] == "case_finished").collect()
    }

    /// The result of each case of the last run, in order.
    pub(crate) fn results(&self) -> Vec<String> {
        self.reports().iter().map(|report| report["result"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits for the end of every process that has shown itself, and gives what each had to say.
    fn everybody(&self) -> Vec<String> {
        self.witness.set_nonblocking(true).unwrap();
        let mut told = vec![];
        loop {
            match self.witness.accept() {
                Ok((stream, _)) => told.push(last_words(stream)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return told,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until a process of the adapter shows itself.
    pub(crate) fn somebody(&self) -> TcpStream {
        self.witness.set_nonblocking(false).unwrap();
        self.witness.accept().unwrap().0
    }
}

/// What a process had to say before it ended. One that does not end is left over.
pub(crate) fn last_words(mut stream: TcpStream) -> String {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(BURIAL)).unwrap();
    let mut words = String::new();
    stream.read_to_string(&mut words).expect("a process of the adapter is still alive");
    words
}

fn in_time(mut command: Command) -> Output {
    ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// The output of a command that ends, whatever is wrong with its adapter. One that does not is ended here.
pub(crate) fn ended(child: Child) -> Output {
    let id = child.id().to_string();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    end.recv_timeout(STUCK).map(Result::unwrap).unwrap_or_else(|_| {
        let _ = Command::new("kill").arg(&id).status();
        panic!("the command is stuck");
    })
}
