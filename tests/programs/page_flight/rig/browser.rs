//! Headless Chromium, driven over its `DevTools` protocol by a `WebSocket` client and nothing else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

const START_MAX: Duration = Duration::from_mins(1);
const ANSWER_MAX: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(40);

/// One browser at a time: on a small machine several would wait for each other.
static TURN: Mutex<()> = Mutex::new(());

/// One browser process with a profile of its own; ended when dropped.
pub(crate) struct Browser {
    child: Child,
    port: u16,
    profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Starts a browser. Fails where none is installed.
pub(crate) fn browser(extra: &[&str]) -> Browser {
    let program = program().expect("Chromium is installed (Debian: apt-get install chromium)");
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let profile = tempfile::tempdir().unwrap();
    let child = Command::new(program)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--disable-dev-shm-usage",
            "--remote-debugging-port=0",
            "--window-size=1280,720",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(extra)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut browser = Browser {
        child,
        port: 0,
        profile,
        _turn: turn,
    };
    let file = browser.profile.path().join("DevToolsActivePort");
    browser.port = until(START_MAX, "the browser's port", || {
        std::fs::read_to_string(&file)
            .ok()?
            .lines()
            .next()?
            .parse()
            .ok()
    });
    browser
}

fn program() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let known = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    named
        .into_iter()
        .chain(known.map(PathBuf::from))
        .find(|path| path.exists())
}

/// Polls until there is a value; a test that waits in vain fails with what it waited for.
fn until<T>(longest: Duration, what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(started.elapsed() < longest, "waited in vain for {what}");
        std::thread::sleep(POLL);
    }
}

impl Browser {
    /// Opens an address in a tab of 1280 by 720.
    pub(crate) fn open(&self, address: &str) -> Page {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "PUT /json/new?about:blank HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        );
        stream.write_all(head.as_bytes()).unwrap();
        let tab: Value = serde_json::from_str(&body(&mut stream)).unwrap();
        let url = tab["webSocketDebuggerUrl"].as_str().unwrap();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        let mut page = Page {
            socket,
            id: 0,
            complaints: Vec::new(),
        };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, &json!({}));
        }
        page.resize(1280, 720, 1, false);
        page.call("Page.navigate", &json!({ "url": address }));
        page
    }
}

/// The body of an HTTP answer on a connection that the browser keeps open.
fn body(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    let length = head
        .split("content-length:")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often in a row a page may navigate away from a question.
const NAVIGATIONS_MAX: usize = 5;

/// A tab of the browser, spoken to over its own DevTools socket.
pub(crate) struct Page {
    socket: WebSocket<TcpStream>,
    id: u64,
    /// What the console complained of: uncaught exceptions, errors, refused policies.
    pub(crate) complaints: Vec<String>,
}

impl Page {
    /// A page that reloads itself just then answers nothing: the new one is asked instead.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        for _ in 0..NAVIGATIONS_MAX {
            let answer = self.ask(method, params);
            let gone = answer["error"]["message"].as_str();
            if gone.is_none_or(|message| !message.contains("navigated or closed")) {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
        panic!("{method}: the page does nothing but navigate");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let request = json!({ "id": self.id, "method": method, "params": params });
        self.socket
            .send(Message::text(request.to_string()))
            .unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.id {
                return answer;
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(params["exceptionDetails"].to_string());
            }
            Some("Runtime.consoleAPICalled")
                if params["type"] == "error" || params["type"] == "warning" =>
            {
                self.complaints.push(params["args"].to_string());
            }
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            _ => {}
        }
    }

    pub(crate) fn resize(&mut self, width: u32, height: u32, ratio: u32, phone: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": ratio, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        self.call(
            "Emulation.setTouchEmulationEnabled",
            &json!({ "enabled": phone, "maxTouchPoints": 5 }),
        );
    }

    /// Sets one media feature, as a pilot's system settings would.
    pub(crate) fn prefer(&mut self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// One step of a finger: `touchStart` and `touchMove` with its place, `touchEnd` without.
    pub(crate) fn finger(&mut self, kind: &str, at: Option<(f64, f64)>) {
        let points: Vec<Value> = at
            .map(|(x, y)| json!({ "x": x, "y": y }))
            .into_iter()
            .collect();
        self.call(
            "Input.dispatchTouchEvent",
            &json!({ "type": kind, "touchPoints": points }),
        );
    }

    /// Role and name of everything that assistive technology is told of.
    pub(crate) fn told(&mut self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let word = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or("").to_owned();
        let nodes = tree["nodes"].as_array().unwrap().iter();
        nodes
            .filter(|node| node["ignored"] != true)
            .map(|node| (word(node, "role"), word(node, "name")))
            .collect()
    }

    /// The value of an expression.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", &params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    pub(crate) fn number(&mut self, expression: &str) -> f64 {
        let value = self.value(expression);
        value
            .as_f64()
            .unwrap_or_else(|| panic!("{expression} is {value}"))
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value
            .as_str()
            .unwrap_or_else(|| panic!("{expression} is {value}"))
            .to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&mut self, expression: &str) {
        let guarded = format!(
            "(() => {{ try {{ return Boolean({expression}) }} catch {{ return false }} }})()"
        );
        until(ANSWER_MAX, expression, || {
            (self.value(&guarded) == true).then_some(())
        });
    }

    fn key(&mut self, kind: &str, code: &str) {
        let (key, number) = match code {
            "Space" => (" ", 32),
            "Enter" => ("Enter", 13),
            "Escape" => ("Escape", 27),
            "Tab" => ("Tab", 9),
            _ => (
                code.trim_start_matches("Key"),
                i32::from(code.as_bytes().last().copied().unwrap_or(0)),
            ),
        };
        let is_alphabetic = code.starts_with("Key");
        let key = if is_alphabetic {
            key.to_lowercase()
        } else {
            key.to_owned()
        };
        let mut params =
            json!({ "type": kind, "code": code, "key": key, "windowsVirtualKeyCode": number });
        if code == "Enter" && kind == "keyDown" {
            params["text"] = json!("\r");
        }
        self.call("Input.dispatchKeyEvent", &params);
    }

    pub(crate) fn press(&mut self, code: &str) {
        self.key("keyDown", code);
    }

    pub(crate) fn release(&mut self, code: &str) {
        self.key("keyUp", code);
    }

    pub(crate) fn tap(&mut self, code: &str) {
        self.press(code);
        self.release(code);
    }

    /// Takes a picture; it must show something.
    pub(crate) fn picture(&mut self, path: &Path) {
        let bright = self.number(
            "(() => { const c = document.getElementById('view'); \
             const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; \
             let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] + d[i + 1] + d[i + 2] > 240) n += 1; return n })()",
        );
        assert!(
            bright > 300.0,
            "only {bright} bright pixels in the flight view"
        );
        let shot = self.call(
            "Page.captureScreenshot",
            &json!({ "format": "webp", "quality": 82 }),
        );
        let bytes = base64(shot["data"].as_str().unwrap());
        assert!(
            bytes.len() > 8_000,
            "a picture of {} bytes is blank",
            bytes.len()
        );
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for value in text.bytes().filter_map(digit) {
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
