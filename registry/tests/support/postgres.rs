//! A PostgreSQL server for tests, from Debian's package: it runs as nobody of importance in a folder of its own, and
//! ends with the test process, however that ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const MISSING: &str = "PostgreSQL is missing: apt-get install postgresql";

/// Below those that the system gives away by itself: nobody gets one of these while the server is away.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

pub struct Postgres {
    folder: PathBuf,
    port: u16,
    databases: AtomicUsize,
    /// Stops the server and clears the folder when its input ends.
    _keeper: Child,
}

/// The one that tests share which do nothing to the server itself.
pub fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

impl Postgres {
    pub fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("tessera-postgres-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(&folder));
        }
        let data = folder.join("data");
        // A locale that sorts otherwise than bytes do, where this release can have one.
        let plain = ["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D"];
        let unlike = ["--locale-provider=icu", "--icu-locale=en"];
        if !program("initdb").args(plain).arg(&data).args(unlike).output().unwrap().status.success() {
            run(program("initdb").args(plain).arg(&data));
        }
        let keeper = unprivileged("sh")
            .args(["-c", r#"trap "" INT TERM; cat; "$0" -D "$1/data" -m immediate -s stop 2>/dev/null; rm -rf "$1""#])
            .arg(bin("pg_ctl"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut postgres = Self { folder, port: free_port(), databases: AtomicUsize::new(0), _keeper: keeper };
        // Somebody else may have it by now.
        for _ in 0..9 {
            if postgres.starting().output().expect(MISSING).status.success() {
                return postgres;
            }
            postgres.port = free_port();
        }
        postgres.begin();
        postgres
    }

    /// Starts the server again.
    pub fn begin(&self) {
        run(&mut self.starting());
    }

    fn starting(&self) -> Command {
        let settings = "-c fsync=off -c max_connections=300";
        let options = format!("-k {} -h 127.0.0.1 -p {} {settings}", self.folder.display(), self.port);
        let mut command = self.control();
        command.arg("-o").arg(options).args(["-l", "/dev/null", "start"]);
        command
    }

    /// As a crash would.
    pub fn stop(&self) {
        run(self.control().args(["-m", "immediate", "stop"]));
    }

    /// Stops it, and has it go on with another history, as a standby does that takes over.
    pub fn take_another_timeline(&self) {
        run(self.control().args(["-m", "fast", "stop"]));
        run(unprivileged("sh")
            .arg("-c")
            .arg(r#"echo "restore_command = 'false'" >> "$0/postgresql.auto.conf""#)
            .arg(self.data()));
        run(unprivileged("touch").arg(self.data().join("recovery.signal")));
        self.begin();
    }

    /// The address of a new database.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.asked(&format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// Until nobody has a session any more: what somebody said who was killed may be done later.
    pub fn until_alone(&self) {
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.asked(others).trim_ascii() != b"0" {
            assert!(Instant::now() < deadline, "somebody stays");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn address(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    fn asked(&self, sql: &str) -> Vec<u8> {
        run(program("psql").arg(self.address("postgres")).args(["-Atqc", sql]))
    }

    /// What `pg_dump` writes of a database.
    pub fn dump(&self, address: &str) -> Vec<u8> {
        run(program("pg_dump").arg(address))
    }

    /// The folder of everything that it keeps.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn control(&self) -> Command {
        let mut command = program("pg_ctl");
        command.arg("-w").arg("-s").arg("-D").arg(self.data());
        command
    }
}

/// One that nobody has now, and that the system gives nobody by itself.
pub fn free_port() -> u16 {
    let first = PORTS.start + u16::try_from(uuid::Uuid::now_v7().as_u128() % PORTS.len() as u128).unwrap();
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..PORTS.end).chain(PORTS).find(is_free).expect("a free port")
}

fn is_root() -> bool {
    String::from_utf8_lossy(&run(Command::new("id").arg("-u"))).trim() == "0"
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

fn program(name: &str) -> Command {
    unprivileged(bin(name))
}

/// Of the latest release of Debian's packages, else of the one in the `PATH`: where `make` looks for it, too.
fn bin(name: &str) -> PathBuf {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut releases: Vec<u32> = releases.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    releases.sort_unstable_by(|one, other| other.cmp(one));
    let packaged = releases.into_iter().map(|release| Path::new("/usr/lib/postgresql").join(release.to_string()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = packaged.map(|release| release.join("bin")).chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("initdb").is_file()).expect(MISSING).join(name)
}

fn run(command: &mut Command) -> Vec<u8> {
    let Output { status, stdout, stderr } = command.output().expect(MISSING);
    assert!(status.success(), "{command:?}: {}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    stdout
}
