//! TCP as the shards use it: listeners that share a port, and streams that know when they are dry.
//!
//! A read that brought less than there was room for has emptied the socket (epoll(7) says so of
//! streams), so the next one would only be told to wait: it is answered here, without the kernel.
//! That halves the system calls of a client that sends one small message at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, Type};

use super::connection::{Readiness, Transport};
use super::tls::TlsStream;
use crate::limits::{KERNEL_UNSENT_BYTES_MAX, LISTEN_BACKLOG};

/// A TCP stream that remembers whether there may be something to read.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    dry: bool,
    read_closed: bool,
}

impl Tcp {
    /// Sets the options of an accepted stream: no delay, and little that waits unseen in the
    /// kernel.
    pub(super) fn new(stream: TcpStream) -> Self {
        let options = SockRef::from(&stream);
        // Both make it better; neither is needed, and a peer that is gone already refuses both.
        let _ = options.set_tcp_nodelay(true);
        let _ = options.set_tcp_notsent_lowat(KERNEL_UNSENT_BYTES_MAX);
        Self {
            stream,
            dry: false,
            read_closed: false,
        }
    }
}

impl Read for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.dry {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.stream.read(buffer)?;
        // The end is news of its own, but not if it came together with the last bytes.
        self.dry = count < buffer.len() && !self.read_closed;
        Ok(count)
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.stream.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Tcp {
    fn ready(&mut self, readiness: Readiness) {
        self.read_closed |= readiness.read_closed;
        if readiness.readable || readiness.read_closed {
            self.dry = false;
        }
    }

    fn hang_up(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

/// What a client's bytes come through.
#[derive(Debug)]
pub(super) enum Socket {
    /// In the clear.
    Plain(Tcp),
    /// Under TLS; boxed, for its state is large and plain sockets should not pay for it.
    Tls(Box<TlsStream<Tcp>>),
}

impl Socket {
    /// The TCP stream, to register it for readiness.
    pub(super) fn source_mut(&mut self) -> &mut TcpStream {
        match self {
            Self::Plain(tcp) => &mut tcp.stream,
            Self::Tls(tls) => &mut tls.below_mut().stream,
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl Transport for Socket {
    fn ready(&mut self, readiness: Readiness) {
        match self {
            Self::Plain(tcp) => tcp.ready(readiness),
            Self::Tls(tls) => tls.ready(readiness),
        }
    }

    fn unsent_bytes(&self) -> usize {
        match self {
            Self::Plain(_) => 0,
            Self::Tls(tls) => tls.unsent_bytes(),
        }
    }

    fn is_handshaking(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.is_handshaking())
    }

    fn is_silent(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.is_silent())
    }

    fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    fn hang_up(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.hang_up(),
            Self::Tls(tls) => tls.hang_up(),
        }
    }
}

/// Opens `count` listeners on one address; port 0 picks one port for all of them.
///
/// Several need `SO_REUSEPORT`, under which a second server could slip onto the same port
/// unnoticed; so the address is first taken alone, which fails if anybody has it.
pub(super) fn listen(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count <= 1 {
        return Ok(vec![listener(address, false)?]);
    }
    let alone = listener(address, false)?;
    let address = alone.local_addr()?;
    drop(alone);
    (0..count).map(|_| listener(address, true)).collect()
}

fn listener(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = RawSocket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}
