"""The workloads of scripts/unharmed: what each runs, what it needs, and what about it may differ from run to run."""


class Workload:
    def __init__(self, name, command, needs="", setup="", fast=False, counts=True, skip="", replace=(), cannot="", limit=120,
                 user_cannot="", outside="", options=()):
        self.name, self.command, self.needs, self.setup, self.fast = name, command, needs, setup, fast
        self.options = list(options)  # of record
        self.counts = counts  # False: the number of calls depends on timing
        self.skip = skip  # names in the tree (a pattern) that hold times or random bytes
        self.replace = replace  # (pattern, text) for the outputs
        self.cannot = cannot  # a pattern: the run must be called impossible to judge, with this reason
        self.limit = limit
        self.outside = outside  # a pattern: without a namespace the run is refused, as it writes elsewhere
        self.user_cannot = user_cannot  # as cannot, when not run by root

    def fill_in(self, build):
        """{build} in what is run and needed is the build directory."""
        self.command, self.needs = self.command.replace("{build}", build), self.needs.replace("{build}", build)


GIT = "git init -q .; git config gc.auto 0; for i in 1 2 3; do echo $i > f$i; git add f$i; git commit -qm c$i; done; "
PERL_TREE = "mkdir -p src/a/b; for i in $(seq 60); do head -c $((i * 700)) /dev/zero > src/a/f$i; ln -s f$i src/a/l$i; done; "
WRITER = r"""
int main(int n, char **v) { FILE *f = fopen(v[1], "w"); fputs("x\n", f); fflush(f); fsync(fileno(f)); fclose(f); return 0; }
"""
C_HEAD = r"#define _GNU_SOURCE\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <fcntl.h>\n"


def compiled(source, flags=""):
    """Shell that makes ./program from C."""
    return f"cat > program.c <<'END'\n#define _GNU_SOURCE\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n" \
           f"#include <unistd.h>\n#include <fcntl.h>\n#include <pthread.h>\n{source}\nEND\ngcc -w -O1 {flags} -o program program.c -pthread\n"


THREADS = r"""
static void *Body(void *arg) { char name[32]; snprintf(name, sizeof name, "t%ld", (long)arg % 50);
  int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644); write(fd, "x", 1); close(fd); return 0; }
int main(int argc, char **argv) { static pthread_t t[5000]; int n = atoi(argv[1]); pthread_attr_t a; pthread_attr_init(&a);
  pthread_attr_setstacksize(&a, argc > 2 ? atoi(argv[2]) : 65536);
  for (long i = 0; i < n; ++i) if (pthread_create(&t[i], &a, Body, (void *)i)) { puts("cannot"); return 1; }
  for (int i = 0; i < n; ++i) pthread_join(t[i], 0); puts("done"); return 0; }
"""
CLOSER = r"""
int main() { closefrom(3); int fd = open("a", O_CREAT | O_WRONLY, 0644); printf("%d\n", fd); write(fd, "a", 1); fsync(fd); close(fd);
  for (int i = 3; i < 1024; ++i) close(i); close_range(3, ~0u, 0); fd = open("b", O_CREAT | O_WRONLY, 0644); write(fd, "b", 1);
  rename("a", "c"); fflush(stdout); closefrom(0); fd = open("d", O_CREAT | O_WRONLY, 0644); write(fd, "d", 1); return fd; }
"""
DAEMON = r"""
int main() { if (fork()) { char c; int fd; while ((fd = open("done", O_RDONLY)) < 0) usleep(1000); return 0; } setsid(); if (fork()) _exit(0);
  chdir("/"); int null = open("/dev/null", O_RDWR); dup2(null, 0); dup2(null, 1); dup2(null, 2);
  char *d = getenv("WHERE"); chdir(d); int fd = open("log", O_CREAT | O_WRONLY, 0644); write(fd, "daemon\n", 7); fsync(fd);
  close(open("tmp", O_CREAT | O_WRONLY, 0644)); rename("tmp", "done"); return 0; }
"""
PY_MEMFD = r"""
import os
fd = os.memfd_create('x', 0)
os.write(fd, open('/bin/echo', 'rb').read())
for text, arguments in ((None, ['echo', 'from memfd']), (b'#!/bin/sh\necho script > s\n', ['s'])):
    if text:
        fd = os.memfd_create('y', 0)
        os.write(fd, text)
    pid = os.fork()
    if pid == 0:
        os.execve(fd, arguments, {})
    os.waitpid(pid, 0)
print(os.path.exists('s'))
"""
PY_OPATH = r"""
import os
d = os.open('.', os.O_PATH | os.O_DIRECTORY)
os.mkdir('x', dir_fd=d)
f = os.open('f', os.O_CREAT | os.O_WRONLY, dir_fd=d); os.write(f, b'x'); os.close(f)
p = os.open('f', os.O_PATH)
try: os.write(p, b'no')
except OSError as e: print(e.errno)
w = os.open('/proc/self/fd/%d' % p, os.O_WRONLY | os.O_APPEND); os.write(w, b'y'); os.fsync(w)
os.rename('f', 'x/g', src_dir_fd=d, dst_dir_fd=d)
os.chmod('/proc/self/fd/%d' % p, 0o600)
os.link('/proc/self/fd/%d' % p, 'h', follow_symlinks=True)
print(open('h').read())
"""
EMPTY_ENVIRONMENT = r"""
int main(int n, char **v) { if (n > 1) { char *a[] = {"sh", "-c", "echo $0 > out; /bin/mv out final; env", 0}; char *e[] = {0};
  execve("/bin/sh", a, n > 2 ? 0 : e); } char *a[] = {v[0], "x", 0}; char *e[] = {0}; execve(v[0], a, e); return 9; }
"""
SEGFAULT = r"""
#include <signal.h>
#include <ucontext.h>
static int seen; static void On(int s, siginfo_t *i, void *c) { seen++; int fd = open("seen", O_CREAT | O_WRONLY, 0644); write(fd, "s", 1); close(fd); _exit(3); }
int main() { char *stack = malloc(65536); stack_t ss = {stack, 0, 65536}; sigaltstack(&ss, 0);
  struct sigaction a = {.sa_sigaction = On, .sa_flags = SA_SIGINFO | SA_ONSTACK}; sigaction(SIGSEGV, &a, 0);
  int fd = open("before", O_CREAT | O_WRONLY, 0644); write(fd, "b", 1); *(volatile int *)8 = 1; return 0; }
"""
TIMER = r"""
#include <signal.h>
#include <sys/time.h>
static volatile int ticks; static void On(int s) { ++ticks; }
int main() { struct sigaction a = {.sa_handler = On, .sa_flags = SA_RESTART}; sigaction(SIGALRM, &a, 0);
  struct itimerval t = {{0, 1000}, {0, 1000}}; setitimer(ITIMER_REAL, &t, 0);
  for (int i = 0; i < 2000; ++i) { int fd = open("f", O_CREAT | O_WRONLY | O_TRUNC, 0644); write(fd, "hello", 5); close(fd); }
  puts("done"); return 0; }
"""
FILTER = r"""
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <errno.h>
#include <stddef.h>
int main() { struct sock_filter f[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 7, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 6, 0),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 5, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 4, 0),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 3, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 2), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS) };
  f[1].jt = 7; f[2].jt = 6; f[3].jt = 5; f[4].jt = 4; f[5].jt = 3; f[6].jt = 2;
  struct sock_fprog p = {sizeof f / sizeof *f, f}; int fd = open("a", O_CREAT | O_WRONLY, 0644);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p)) return 9;
  write(fd, "abc", 3); fsync(fd); if (syscall(SYS_mkdir, "m", 0755) == 0 || errno != EPERM) _exit(8); close(fd); write(1, "ok\n", 3); syscall(SYS_exit_group, 0); }
"""
QUESTIONS = r"""
#include <sys/syscall.h>
#include <errno.h>
int main() { printf("%ld", syscall(SYS_seccomp, 0, 1, 0)); printf(" %d\n", errno); fclose(fopen("f", "w")); return 0; }
"""
RACE = r"""
int leak(void) { return 0; }
static void *Body(void *p) { for (int i = 0; i < 100; ++i) { char n[32]; snprintf(n, sizeof n, "%s%d", (char *)p, i % 5);
  FILE *f = fopen(n, "w"); fputs("hello", f); fclose(f); } return 0; }
int main() { pthread_t a, b; pthread_create(&a, 0, Body, "a"); pthread_create(&b, 0, Body, "b"); pthread_join(a, 0); pthread_join(b, 0);
  puts("ok"); fflush(stdout); LEAK return 0; }
"""
PY_POOL = """
import subprocess, os, sys
from concurrent.futures import ThreadPoolExecutor
def one(i): return subprocess.run(["sh", "-c", f"echo {i} > s{i}; cat s{i}"], capture_output=True, text=True).stdout
with ThreadPoolExecutor(8) as pool: print(sum(int(x) for x in pool.map(one, range(60))))
"""
PY_MULTI = """
import multiprocessing, os, sys
def work(i):
    with open(f"m{i}", "w") as f:
        f.write(str(i)); f.flush(); os.fsync(f.fileno())
    os.replace(f"m{i}", f"done{i}")
    return i * i
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(4) as pool: print(sum(pool.map(work, range(30))))
"""
PY_ASYNC = """
import asyncio, os, tempfile, threading
async def one(i):
    p = await asyncio.create_subprocess_exec("sh", "-c", f"echo {i}", stdout=asyncio.subprocess.PIPE)
    out, _ = await p.communicate()
    await asyncio.get_running_loop().run_in_executor(None, lambda: open(f"a{i}", "wb").write(out))
async def main(): await asyncio.gather(*(one(i) for i in range(20)))
asyncio.run(main())
def body(n):
    for i in range(50):
        with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as f: f.write("x" * 100)
        os.replace(f.name, f"t{n}-{i % 7}")
ts = [threading.Thread(target=body, args=(n,)) for n in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
with tempfile.TemporaryFile(dir=".") as f: f.write(b"q" * 5000); f.flush()
with tempfile.TemporaryDirectory(dir=".") as d: open(d + "/x", "w").write("y")
"""
PY_FILES = """
import shutil, zipfile, os, mmap, sqlite3
shutil.copytree("src", "dst", symlinks=True)
with zipfile.ZipFile("z.zip", "w") as z:
    for root, _, files in os.walk("src"):
        for f in sorted(files): z.writestr(zipfile.ZipInfo(os.path.join(root, f)), open(os.path.join(root, f), "rb").read())
zipfile.ZipFile("z.zip").extractall("out")
shutil.move("dst", "moved"); shutil.rmtree("out"); os.truncate("z.zip", 100)
os.sendfile(os.open("sf", os.O_CREAT | os.O_WRONLY), os.open("moved/a/f60", os.O_RDONLY), 0, 40000)
os.setxattr("sf", "user.k", b"v"); os.chmod("sf", 0o600); os.link("sf", "sf2"); os.mkfifo("fifo")
fd = os.open("p", os.O_RDWR | os.O_CREAT); os.pwritev(fd, [b"ab", b"cd"], 10); os.posix_fallocate(fd, 0, 1000); os.fdatasync(fd)
"""
NODE = """
const fs = require('fs'), { Worker, isMainThread, workerData } = require('worker_threads'), cp = require('child_process');
if (!isMainThread) { for (let i = 0; i < 20; i++) { fs.writeFileSync(`w${workerData}`, 'x' + i); fs.renameSync(`w${workerData}`, `v${workerData}`); } }
else (async () => {
  await Promise.all([...Array(100).keys()].map(async i => { await fs.promises.writeFile(`n${i}.tmp`, 'a'.repeat(i * 100));
    const h = await fs.promises.open(`n${i}.tmp`, 'r+'); await h.sync(); await h.close(); await fs.promises.rename(`n${i}.tmp`, `n${i}`); }));
  await Promise.all([0, 1, 2, 3].map(n => new Promise((ok, bad) => new Worker(__filename, { workerData: n }).on('exit', ok).on('error', bad))));
  console.log(cp.execSync('echo from a child; echo c > child').toString());
  await new Promise(ok => cp.spawn('sh', ['-c', 'echo s > spawned']).on('exit', ok)); await fs.promises.rm('n1'); await fs.promises.cp('n2', 'n3');
  fs.createWriteStream('stream').end('streamed', () => console.log('done'));
})();
"""
JAVA = """
import java.nio.*; import java.nio.channels.*; import java.nio.file.*; import java.util.concurrent.*;
public class Main { public static void main(String[] a) throws Exception {
  ExecutorService pool = Executors.newFixedThreadPool(4);
  for (int i = 0; i < 40; i++) { int n = i; pool.submit(() -> { Path t = Path.of("j" + n + ".tmp");
    try (FileChannel c = FileChannel.open(t, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) { c.write(ByteBuffer.wrap(("n" + n).getBytes())); c.force(true); }
    Files.move(t, Path.of("j" + n), StandardCopyOption.ATOMIC_MOVE); return null; }); }
  pool.shutdown(); pool.awaitTermination(60, TimeUnit.SECONDS); Files.copy(Path.of("j1"), Path.of("k1"));
  Process p = new ProcessBuilder("sh", "-c", "echo x > child").inheritIO().start(); System.out.println(p.waitFor());
  if (a.length > 0) try (FileChannel c = FileChannel.open(Path.of("map"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
    MappedByteBuffer m = c.map(FileChannel.MapMode.READ_WRITE, 0, 8192); m.put(0, (byte) 7); m.force(); }
  System.out.println("done"); } }
"""
MAKE = """
for i in 1 2 3 4 5 6; do echo "int f$i(void) { return $i; }" > f$i.c; done
printf '#include <cstdio>\\n#include <vector>\\nextern "C" int f1(void); int main() { std::vector<int> v(3); printf("%%d\\\\n", f1()); }\\n' > main.cc
printf 'all: prog\\n%%.o: %%.c\\n\\t@gcc -O1 -pipe -c -o $@ $<\\nmain.o: main.cc\\n\\t@g++ -c -o $@ $<\\nlib.a: f1.o f2.o f3.o f4.o f5.o f6.o\\n\\t@ar rcsD $@ $^\\nprog: main.o lib.a\\n\\t@g++ -o $@ $^\\n\\t@./prog\\n' > Makefile
"""
BASH = r"""
trap 'echo trapped > trap.txt' EXIT; trap 'echo usr1' USR1
for i in 1 2 3 4 5; do (sleep 0.0$i; echo $i > bg$i) & done; kill -USR1 $$; wait
cat <<END > here; diff <(sort here) <(cat here) && echo same
here document $((1 + 2))
END
coproc CO { while read x; do echo "got $x"; done; }; echo hi >&${CO[1]}; read y <&${CO[0]}; echo "$y" > co; eval "exec ${CO[1]}>&-"; wait
set -m; sleep 0.05 & jobs > /dev/null; fg > /dev/null; set +m
exec 7> seven; echo s >&7; exec 7>&-; echo tail >> here; printf '%s\n' a b c | tee t1 t2 | (read l; echo $l > first)
mapfile -t lines < t1; echo ${#lines[@]}; echo x | cat > >(cat > sub); wait; (exec -a other sh -c 'echo $0') ; set -o noclobber; echo n > here || true; (exit 7); echo $?
"""
SQL = "create table t(a integer primary key, b text); " + "insert into t(b) values('row'); " * 40 + "update t set b='x' where a%2; delete from t where a>30; vacuum; select count(*) from t;"
REDIS = r"""
redis-server --port 0 --unixsocket $PWD/../redis.sock --appendonly yes --appendfsync always --dir $PWD --save '' --daemonize no --logfile /dev/null &
r="redis-cli -s $PWD/../redis.sock"; until $r ping > /dev/null 2>&1; do :; done
for i in $(seq 30); do echo "set k$i v$i"; done | $r | sort | uniq -c; $r save; $r bgrewriteaof > /dev/null
while $r info persistence | grep -q 'aof_rewrite_in_progress:1\|aof_rewrite_scheduled:1'; do :; done; $r dbsize; $r shutdown nosave; wait; ls appendonlydir
"""

ALL = [
    Workload("shell", "echo a > a; mv a b; cp b c; rm b; mkdir d; ln -s c d/l; cat d/../c; false; exit 0", fast=True),
    Workload("git", GIT + "git branch x; git checkout -q x; echo 4 > f4; git add .; git commit -qm c4; git checkout -q master; echo 5 > f5; "
             "git add .; git commit -qm c5; git merge -q -m m x; git checkout -q -b y HEAD~1; echo 6 > f6; git add .; git commit -qm c6; "
             "git rebase -q master; echo s >> f1; git stash -q; git stash pop -q; git worktree add -q wt x; git tag v1; git log --oneline --all | wc -l",
             "git", fast=True, skip=r"\.git/(.*/)?(logs|index|gitdir|FETCH_HEAD|ORIG_HEAD|gc)|wt/\.git"),
    Workload("git-gc", "git gc -q --prune=now; git clone -q . inner; git fsck 2>/dev/null; git repack -adq; git prune", "git",
             setup=GIT + "git config pack.threads 1", skip=r"index$|logs"),
    Workload("sqlite", "for m in delete truncate persist memory off; do sqlite3 $m.db \"pragma journal_mode=$m; " + SQL + "\"; done; sqlite3 wal.db "
             "\"pragma journal_mode=wal; " + SQL.replace("vacuum;", "pragma wal_checkpoint;") + "\"", "sqlite3", fast=True, skip="persist.db-journal"),
    Workload("sqlite-1000", "(echo 'pragma synchronous=full; create table t(a);'; for i in $(seq 1000); do echo \"insert into t values($i);\"; done; "
             "echo 'select sum(a) from t;') | sqlite3 x.db", "sqlite3"),
    Workload("python-subprocesses", "python3 pool.py", setup="cat > pool.py <<'END'" + PY_POOL + "END\n", fast=True),
    Workload("python-multiprocessing", "python3 m.py", setup="cat > m.py <<'END'" + PY_MULTI + "END\n"),
    Workload("python-async-threads", "python3 a.py", setup="cat > a.py <<'END'" + PY_ASYNC + "END\n", fast=True),
    Workload("python-files", "python3 f.py", setup=PERL_TREE + "cat > f.py <<'END'" + PY_FILES + "END\n", fast=True),
    Workload("python-install", "python3 -m venv --without-pip v; v/bin/python3 -c 'import sys; print(sys.prefix != sys.base_prefix)'; python3 -m compileall -q pkg; python3 -c 'import pkg.a'",
             setup="mkdir pkg; echo 'x = 1' > pkg/__init__.py; echo 'y = 2' > pkg/a.py", counts=False, skip="pyc$"),
    Workload("node", "node n.js", "node", setup="cat > n.js <<'END'" + NODE + "END\n"),
    Workload("npm", "npm install --offline --no-audit --no-fund --loglevel=error ./local; ls node_modules", "npm",
             setup="mkdir local; echo '{\"name\":\"local\",\"version\":\"1.0.0\"}' > local/package.json; echo '{\"name\":\"x\",\"version\":\"1.0.0\"}' > package.json", counts=False),
    Workload("java", "javac Main.java && java -XX:-UsePerfData Main && jar -J-Djava.io.tmpdir=. -J-XX:-UsePerfData cf m.jar Main.class && jar tf m.jar | wc -l", "javac",
             setup="cat > Main.java <<'END'" + JAVA + "END\n", skip=r"m\.jar"),
    Workload("java-mapped", "java -XX:-UsePerfData Main.java map", "java", setup="cat > Main.java <<'END'" + JAVA + "END\n", cannot="map"),
    Workload("make", "make -j4 2>&1", "gcc g++ make ar", setup=MAKE, fast=True),
    Workload("rustc", "rustc hello.rs && ./hello", "rustc cc", setup="echo 'fn main() { std::fs::write(\"o\", \"x\").unwrap(); println!(\"hi\"); }' > hello.rs", cannot="mapped shared and writable", counts=False),
    Workload("cargo", "export CARGO_HOME=$HOME/.cargo; cargo build --offline -q; cargo run --offline -q", "cargo", setup="mkdir src; echo 'fn main() { println!(\"hi\"); }' > src/main.rs; "
             "printf '[package]\\nname = \"x\"\\nversion = \"0.1.0\"\\nedition = \"2021\"\\n' > Cargo.toml", skip="^target", counts=False, cannot="mapped shared and writable"),
    Workload("redis", REDIS, "redis-server", counts=False, skip=r"\.rdb|\.aof"),
    Workload("initdb", "$(ls -d /usr/lib/postgresql/*/bin | tail -1)/initdb -D db --no-instructions -A trust > /dev/null", "initdb", counts=False, skip="^db"),
    Workload("bash", "bash s.sh", setup="cat > s.sh <<'ENDOFSCRIPT'" + BASH + "ENDOFSCRIPT\n", fast=True),
    Workload("dash", "dash -c 'for i in 1 2 3; do (echo $i > d$i) & done; wait; cat d1 d2 d3 > all; read x < all; echo $x; trap \"echo bye >> all\" EXIT'", fast=True),
    Workload("perl", "perl -e 'for $i (1..50) { unless (fork) { open F, \">p$i\"; print F $i; close F; exec \"true\" if $i % 2; exit $i % 3 } } "
             "1 while wait > 0; system \"echo x > sys\"; print `cat p7`; open P, \"|cat > pipe\"; print P \"hello\"; close P;'; perl -i -pe 's/7/8/' p7", fast=True),
    Workload("tar", "tar cf x.tar src; mkdir o; tar xf x.tar -C o; tar czf x.tgz src; tar xzf x.tgz -C o; cp -a src copy; cp -r --reflink=auto src c2; "
             "find src -name 'f1*' -exec rm {} +; find copy -type f -print0 | xargs -0 -P4 -n5 chmod 600; install -m 755 copy/a/f1 i; dd if=copy/a/f60 of=dd bs=512 conv=fsync status=none",
             setup=PERL_TREE, fast=True, skip=r"x\.t"),
    Workload("rsync", "rsync -a src/ dst/; echo x >> src/a/f9; rsync -a --delete src/ dst/; rsync -a --inplace src/ d2/", "rsync", setup=PERL_TREE, counts=False),
    Workload("editors", "printf 'a\\nhello\\n.\\nw e\\nq\\n' | ed -s; vim -u NONE -es -c 's/a/b/' -c 'wq' v.txt; vim -u NONE -n -es -c 'normal ihello' -c 'wq' w.txt; sed -i s/b/c/ v.txt", "ed vim",
             setup="echo aaa > v.txt", fast=True, outside="would change /tmp"),
    Workload("pty", "script -qec 'echo x > in-script; tty | cut -c1-8; stty -a | wc -l' /dev/null; script -qc 'sh -i -c \"echo y > y\"' log < /dev/null > /dev/null", "script", counts=False, skip="^log$"),
    Workload("tmux", "tmux -L un$$ -f /dev/null new-session -d 'echo in-tmux > t.tmp; mv t.tmp t'; while [ ! -e t ]; do sleep 0.01; done; tmux -L un$$ kill-server 2>/dev/null; true", "tmux", counts=False, cannot="setgid"),
    Workload("own-filters", "file -b /bin/ls s.txt | cut -c1-20; ssh-keygen -q -t ed25519 -N '' -f key; ls", "file ssh-keygen", setup="echo x > s.txt",
             skip="^key", fast=True, counts=False),
    # What man starts runs under its filter, which forbids what the recorder needs.
    Workload("man", "man -P cat ls 2>/dev/null | head -2", "man", counts=False),
    Workload("seccomp-questions", "./program", "gcc", setup=compiled(QUESTIONS), fast=True),
    Workload("own-kill-filter", "./program", "gcc", setup=compiled(FILTER), fast=True),
    Workload("setuid", "su -s /bin/sh nobody -c 'echo x' < /dev/null; echo y > f", counts=False, user_cannot="setuid", replace=((".*", ""),)),
    Workload("asan", "./program", "gcc", setup=compiled(RACE.replace("LEAK", ""), "-fsanitize=address -g"), fast=True),
    Workload("asan-leak", "./program 2>&1 | grep -c 'LeakSanitizer'; ASAN_OPTIONS=detect_leaks=1 ./program > /dev/null 2>&1; echo $?", "gcc",
             setup=compiled(RACE.replace("LEAK", "volatile char *p = malloc(99); p = 0;"), "-fsanitize=address -g -O0")),
    Workload("tsan", "./program", "gcc", setup=compiled(RACE.replace("LEAK", ""), "-fsanitize=thread -g")),
    Workload("ubsan", "./program", "gcc", setup=compiled(RACE.replace("LEAK", ""), "-fsanitize=undefined")),
    Workload("gdb", "gdb -batch -ex run ./program 2>/dev/null | grep -c exited", "gdb gcc", setup=compiled(WRITER.replace("v[1]", '"g"')), counts=False, limit=60, cannot="traced"),
    Workload("strace-inside", "strace -f -o /dev/null sh -c 'echo x > a; mv a b'; strace -c -o /dev/null true", "strace", counts=False, limit=60, cannot="traced"),
    Workload("valgrind", "valgrind -q ./program f", "valgrind gcc", setup=compiled(WRITER), counts=False, limit=60),
    Workload("daemon", "WHERE=$PWD ./program; setsid -f sh -c 'echo z > z.tmp; mv z.tmp z'; while [ ! -e z ]; do :; done; (nohup sh -c 'echo n > n' > /dev/null 2>&1 &) ; while [ ! -s n ]; do :; done", "gcc",
             setup=compiled(DAEMON), fast=True),
    Workload("threads-1600", "./program 1600 | tail -1; cat t* | wc -c", "gcc", setup=compiled(THREADS), fast=True),
    Workload("tiny-stacks", "./program 300 16384; ulimit -s 128; ./program 20 16384; sh -c 'echo x > x'", "gcc", setup=compiled(THREADS), fast=True),
    Workload("children-10000", "for i in $(seq 10000); do /bin/true; done; echo $i > n", counts=True, limit=600),
    Workload("children-500", "for i in $(seq 500); do /bin/true; done; for i in $(seq 500); do (:); done; echo $i > n", fast=True),
    Workload("closes-all", "./program; echo $?", "gcc", setup=compiled(CLOSER), fast=True),
    Workload("unset-preload", "unset LD_PRELOAD; echo a > a; /bin/mv a b; env -u LD_PRELOAD /bin/cp b c; env -i /bin/sh -c 'echo x > x; /bin/mv x y; env | grep -v ^_= | sort'", fast=True),
    Workload("empty-environment", "./program; ./program a b", "gcc", setup=compiled(EMPTY_ENVIRONMENT), fast=True),
    Workload("limit-descriptors", "ulimit -n 16; echo a > a; cp a b; mv b c; exec 9> nine; echo x >&9; python3 -c 'open(\"p\", \"w\").write(\"x\")'; "
             "python3 -c 'l = []\ntry:\n  while 1: l.append(open(\"p\"))\nexcept OSError as e: print(len(l), e.errno)'; ulimit -n 5; echo b > b; ulimit -n 3; echo c > cc || echo none", fast=True),
    Workload("limit-memory", "ulimit -v 2000000; echo a > a; cp a b; git init -q g; python3 -c 'open(\"p\", \"w\").write(\"x\")'; sqlite3 x.db 'create table t(a)'", fast=True, skip="^g/"),
    Workload("limit-memory-tight", "ulimit -v 60000; echo a > a; cp a b; mv b c; sort a > s", fast=True),
    Workload("limit-file-size", "ulimit -f 2; echo a > a; head -c 100000 /dev/zero > big; echo $?; python3 -c 'open(\"p\", \"w\").write(\"x\" * 5000)' 2>&1 | tail -1; cp big c2; ls", fast=True,
             replace=((r"line \d+: +\d+", ""),)),
    Workload("limit-processes-core", "ulimit -c 0; ulimit -l 0; ulimit -t 20; echo a > a; mv a b", fast=True),
    Workload("wrappers", "nice -n 3 sh -c 'echo n > n'; timeout 20 sh -c 'echo t > t'; timeout 0.05 sleep 5; echo $?; stdbuf -oL sh -c 'echo s > s'; env -i /bin/sh -c 'echo e > e'; "
             "ionice -c3 cp n m; setsid -w sh -c 'echo q > q'; flock lock sh -c 'echo l > l'; taskset 1 cp l l2; unshare -r sh -c 'echo u' 2>/dev/null | wc -l; time -p true 2>/dev/null; echo t | xargs -I{} cp {} x; "
             "chroot / /bin/true 2>/dev/null; prlimit --nofile=30 cp n pl", fast=True, counts=False),
    Workload("stdin-pipe", "seq 100000 | (head -5; cat > rest) | wc -l; cat rest | sort -n | tail -1 | tee last; yes | head -c 3000000 | split -b 500k - part; (echo a; sleep 0.02; echo b) | while read x; do echo $x >> rd; done",
             fast=True, counts=False),
    Workload("write-200-mb", "dd if=/dev/zero of=big bs=1M count=200 status=none; cp big two; rm big; head -c 50000000 /dev/urandom > r; cat r r > rr; rm r rr; seq 3000000 > seq", skip="^r", limit=300),
    Workload("deep-tree", "python3 -c '\nimport os\nfor i in range(60):\n  os.mkdir(\"d\" * 100); os.chdir(\"d\" * 100); open(\"f\", \"w\").write(str(i))\nos.rename(\"f\", \"g\")'; find . -name g | wc -c; rm -rf ./d*/d*/d*/d*", fast=True,
             counts=False),
    Workload("odd-names", r"""touch $'\xff\xfe' $'new\nline' $'tab\t' ' lead' '-dash' $'quote"x' "it's" '*' '\back' $'\xe2\x82\xac' "$(printf '%0250d' 1)"; for f in ./*; do echo x > "$f"; mv "$f" "$f.2"; done; mkdir $'d\xff'; mv ./*.2 $'d\xff'""",
             fast=True),
    Workload("own-segv-handler", "./program; echo $?", "gcc", setup=compiled(SEGFAULT), fast=True),
    Workload("interval-timer", "./program", "gcc", setup=compiled(TIMER), fast=True),
    Workload("killed", "sh -c 'echo a > a; kill -9 $$'; echo $?; sh -c 'kill -SEGV $$'; echo $?; python3 -c 'import os; open(\"x\",\"w\").write(\"y\"); os.abort()'; echo $?", fast=True,
             replace=((r"line \d+: +\d+", ""),)),
    Workload("zip", "zip -q a.zip src/a/f1 src/a/f2 src/a/f9; zip -qu a.zip src/a/f3; zip -qd a.zip src/a/f1; unzip -qo a.zip -d out; ls out/src/a", "zip unzip", setup=PERL_TREE, skip=r"\.zip"),
    Workload("tcl", "tclsh t.tcl", "tclsh", setup="cat > t.tcl <<'END'\nset f [open a w]; puts $f hello; close $f; file rename -force a b; file copy b c; set p [open \"|cat > d\" w]; puts $p x; close $p\n"
             "exec sh -c {echo e > e}; file mkdir x/y; file delete -force x; puts [glob *]\nEND\n"),
    Workload("alternatives", "for i in one two; do update-alternatives --quiet --altdir $PWD/alt --admindir $PWD/adm --log $PWD/log --install $PWD/link name $PWD/$i 1; done; readlink alt/name", "update-alternatives",
             setup="mkdir alt adm; echo 1 > one; echo 2 > two", skip="^log"),
    Workload("ext4-image", "truncate -s 4M i; mkfs.ext4 -q -F i; debugfs -w -R 'write f inside' i 2>/dev/null; debugfs -R 'cat inside' i 2>/dev/null; e2fsck -fp i > /dev/null; echo $?", "mkfs.ext4 debugfs", setup="echo x > f", skip="^i$"),
    Workload("gcov", "gcc --coverage -o g g.c && ./g && ./g && gcov -o . g-g.c > /dev/null; ls *.gcda; grep -c 2: g.c.gcov", "gcc gcov", setup="echo 'int main(){return 0;}' > g.c", skip="g$|gcno|gcda"),
    Workload("xargs-parallel", "seq 200 | xargs -P8 -n3 sh -c 'for i; do echo $i > p$i; mv p$i q$i; done' sh; cat q* | sort -n | md5sum; find . -name 'q*5' -delete; ls | wc -l"),
    # Two processes write at one position, which they share.
    Workload("two-writers", "exec 9> f; for i in 1 2 3 4; do (for k in $(seq 100); do echo $i$k >&9; done) & done; wait; wc -c < f; (head -c 5 /dev/zero | tr '\\0' a; dd if=/dev/zero bs=3 count=1 2>/dev/null) > g", skip="^f$", fast=True),
    Workload("memfd-exec", "python3 m.py", setup="cat > m.py <<'END'" + PY_MEMFD + "END\n", fast=True),
    Workload("o-path", "python3 o.py", setup="cat > o.py <<'END'" + PY_OPATH + "END\n", fast=True),
    Workload("process-titles", "perl -e '$0 = \"x\" x 3000; system(\"echo a > a\"); open F, \">b\"; print F 1; close F; exec \"mv a c\"'; "
             "python3 -c 'import ctypes; ctypes.CDLL(None).prctl(15, b\"hello\", 0, 0, 0); open(\"d\", \"w\").write(\"x\")'; ls", fast=True),
    Workload("static", "busybox sh -c 'echo a > a; busybox mv a b'", "busybox", fast=True),
]

# What the Go runtime does: its own threads, stacks and signal handlers, system calls without libc (targets/go/cmd/stress).
# Programs by cgo, and position-independent ones without libc. Which of the modes count their calls by the clock is said.
GO_MODES = ("goroutines", "threads", "renames", "preemption", "collection", "deep", "commands", "environment", "signals",
            "recovery", "deadlines", "tree", "copies", "raw")
ALL += [
    Workload(f"go-{linking}-{mode}", f"{{build}}/targets/go-{linking}/stress {mode}", f"{{build}}/targets/go-{linking}/stress",
             fast=linking == "pie" and mode in ("threads", "preemption", "environment", "signals", "recovery", "copies"))
    for linking in ("dynamic", "pie") for mode in GO_MODES
]
# Static Go can only be traced, and so is all that stands around it.
ALL += [
    Workload(f"go-static-{mode}", f"{{build}}/targets/go-static/stress {mode}", "{build}/targets/go-static/stress",
             fast=mode in ("threads", "signals", "copies"), options=["--backend", "ptrace"])
    for mode in GO_MODES
]
