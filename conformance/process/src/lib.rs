//! Foreign processes: started, listened to, put in time, and ended for certain.
//!
//! A [`Child`] leads a process group of its own, so that whatever it starts ends with it. What it prints is kept in its
//! [`Output`], bounded. A [`MovedClock`] moves its wall clock from outside, where libfaketime works. Deliberately absent:
//! what the processes are for, and any judgement of what they print.

mod child;
mod group;
mod moved_clock;
mod output;
mod pause;
mod shown;
mod words;

pub use child::{Child, Program};
pub use moved_clock::{MovedClock, NoFaketime};
pub use output::{Mark, Output};
pub use pause::pause;
pub use shown::shown;
pub use words::quoted;
