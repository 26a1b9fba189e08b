//! What a bad network, a mean peer and a bad day of the machine do to the program itself: the relay
//! between it and its clients, and the process under signals and without descriptors.

mod clock;
mod network;
mod process;
mod relay;
