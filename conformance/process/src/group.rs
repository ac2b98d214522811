//! A process group that does not outlive its owner.

/// The group that a child leads. Dropping it kills every member, also those that ignore a polite request.
#[derive(Debug)]
pub(crate) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    pub(crate) fn of(child: &tokio::process::Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        Self { leader }
    }

    /// Asks every member to end.
    pub(crate) fn ask(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    fn signal(&self, signal: rustix::process::Signal) {
        // A group without members is what we want.
        let _ = self.leader.map(|leader| rustix::process::kill_process_group(leader, signal));
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
    }
}

// Elsewhere the child alone is killed, by tokio's `kill_on_drop`.
#[cfg(not(unix))]
impl Group {
    pub(crate) fn of(_: &tokio::process::Child) -> Self {
        Self {}
    }

    pub(crate) fn ask(&self) {}
}
