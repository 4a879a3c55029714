//! Stands between `serve` and PostgreSQL and reads enough of the protocol to see a COMMIT go by: it can cut the connection around it,
//! or be a server that is gone.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use url::Url;

use crate::chance::Chance;

/// Where a connection is cut.
const WAYS: [Way; 4] = [Way::Before, Way::Halfway, Way::AtOnce, Way::Unanswered];
/// The answer to COMMIT up to the message that says the server is ready again.
const COMMAND_COMPLETE: usize = 12;
/// Codes in the place of a protocol version, before the start of a session: TLS and GSSAPI are asked for.
const ASKS_ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// COMMIT never arrives.
    Before,
    /// COMMIT arrives, and half of the answer comes back.
    Halfway,
    /// COMMIT is on its way when the connection goes.
    AtOnce,
    /// COMMIT is done, and nobody is told.
    Unanswered,
}

struct State {
    server: SocketAddr,
    /// Cuts that are still to be made.
    left: AtomicUsize,
    made: AtomicUsize,
    gone: AtomicBool,
    silent: AtomicBool,
    closing: AtomicBool,
    chance: Mutex<Chance>,
    open: Mutex<Vec<TcpStream>>,
}

/// The proxy.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    /// In front of the server of an address.
    pub(crate) fn before(url: &str, chance: Chance) -> Self {
        let url = Url::parse(url).expect("an address");
        let server = url.socket_addrs(|| Some(5432)).expect("a server").remove(0);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            server,
            left: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
            gone: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            chance: Mutex::new(chance),
            open: Mutex::default(),
        });
        let shared = state.clone();
        thread::spawn(move || shared.accepts(&listener));
        Self { address, state }
    }

    /// The address of the database through the proxy.
    pub(crate) fn url(&self, direct: &str) -> String {
        let mut url = Url::parse(direct).expect("an address");
        url.set_ip_host(self.address.ip()).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.to_string()
    }

    /// Cuts about every second COMMIT, so many times.
    pub(crate) fn cuts(&self, count: usize) {
        self.state.left.store(count, Ordering::SeqCst);
    }

    /// How many cuts were made.
    pub(crate) fn made(&self) -> usize {
        self.state.made.load(Ordering::SeqCst)
    }

    /// The server is gone, or back.
    pub(crate) fn is_gone(&self, gone: bool) {
        self.state.gone.store(gone, Ordering::SeqCst);
        if gone {
            for stream in self.state.open.lock().unwrap().drain(..) {
                close(&stream);
            }
        }
    }

    /// The server says nothing any more, and hears nothing; or it does again.
    pub(crate) fn is_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::SeqCst);
        self.is_gone(true);
        // The thread that accepts has to look.
        drop(TcpStream::connect(self.address));
    }
}

/// The other side may have closed it first.
fn close(stream: &TcpStream) {
    drop(stream.shutdown(Shutdown::Both));
}

impl State {
    /// Holds everything back while the server is silent.
    fn waits(&self) {
        while self.silent.load(Ordering::SeqCst) && !self.closing.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn accepts(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            let gone = self.gone.load(Ordering::SeqCst);
            let Some(server) = (!gone).then(|| TcpStream::connect(self.server).ok()).flatten() else {
                close(&client);
                continue;
            };
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            self.open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
            let (state, also, cut) = (self.clone(), self.clone(), Arc::new(Mutex::new(None)));
            let (answers, asked, known) = (server.try_clone().unwrap(), client.try_clone().unwrap(), cut.clone());
            thread::spawn(move || forward(&state, client, server, &cut));
            thread::spawn(move || backward(&also, answers, asked, &known));
        }
    }

    /// Whether this COMMIT is cut, and how.
    fn way(&self) -> Option<Way> {
        let mut chance = self.chance.lock().unwrap();
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 || chance.below(2) == 0 {
            return None;
        }
        self.left.store(left - 1, Ordering::SeqCst);
        self.made.fetch_add(1, Ordering::SeqCst);
        WAYS.get(usize::try_from(chance.below(4)).unwrap()).copied()
    }
}

/// From the client to the server, a message at a time.
fn forward(state: &State, mut client: TcpStream, mut server: TcpStream, cut: &Mutex<Option<Way>>) {
    let mut begun = false;
    while let Some(message) = next(&mut client, begun) {
        let asks = message.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
        let way = if begun && commits(&message) { state.way() } else { None };
        begun = begun || !asks.is_some_and(|code| ASKS_ENCRYPTION.contains(&code));
        if way == Some(Way::Before) {
            break;
        }
        state.waits();
        // Said before the server can answer.
        *cut.lock().unwrap() = way;
        if server.write_all(&message).is_err() || way == Some(Way::AtOnce) {
            break;
        }
    }
    if matches!(*cut.lock().unwrap(), Some(Way::Halfway | Way::Unanswered)) {
        return;
    }
    close(&client);
    close(&server);
}

/// From the server to the client; what answers a COMMIT that is cut comes in part, or not at all.
fn backward(state: &State, mut server: TcpStream, mut client: TcpStream, cut: &Mutex<Option<Way>>) {
    let mut buffer = [0; 16_384];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        state.waits();
        let way = *cut.lock().unwrap();
        let shown = match way {
            None => length,
            Some(Way::Halfway) => length.min(COMMAND_COMPLETE),
            Some(_) => 0,
        };
        if client.write_all(&buffer[..shown]).is_err() || way.is_some() {
            break;
        }
    }
    close(&client);
    close(&server);
}

/// One whole message: a type and a length, or a length alone before the session has begun.
fn next(client: &mut TcpStream, begun: bool) -> Option<Vec<u8>> {
    let head = if begun { 5 } else { 4 };
    let mut message = vec![0; head];
    client.read_exact(&mut message).ok()?;
    let length = u32::from_be_bytes(message[head - 4..].try_into().ok()?);
    message.resize(head - 4 + usize::try_from(length).ok()?, 0);
    client.read_exact(&mut message[head..]).ok()?;
    Some(message)
}

/// Whether a message is a COMMIT: a simple query, or the text of a prepared one.
fn commits(message: &[u8]) -> bool {
    let text = match message[0] {
        b'Q' => message.get(5..),
        b'P' => message.get(5..).and_then(|rest| rest.splitn(2, |byte| *byte == 0).nth(1)),
        _ => None,
    };
    text.is_some_and(|text| text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"commit")))
}
