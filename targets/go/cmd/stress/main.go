// usage: stress NAME
// What the Go runtime does that a recorder could trip over, one mode a name. Each leaves files whose contents
// are the same in every run, prints one line and exits with 0; what goes wrong is printed and exits with 1.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	_ "oldornew/targets/linking"
)

func must(err error) {
	if err != nil {
		fmt.Println("stress:", err)
		os.Exit(1)
	}
}

// replace writes name through a temporary file, forced to disk.
func replace(name string, data []byte) {
	temporary := name + ".new"
	file, err := os.Create(temporary)
	must(err)
	_, err = file.Write(data)
	must(err)
	must(file.Sync())
	must(file.Close())
	must(os.Rename(temporary, name))
}

// together runs count goroutines and waits for them.
func together(count int, work func(int)) {
	var group sync.WaitGroup
	for i := 0; i < count; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			work(i)
		}(i)
	}
	group.Wait()
}

// goroutines: many of them share few threads, and every call blocks one.
func goroutines() {
	together(200, func(i int) {
		for round := 0; round < 3; round++ {
			replace(fmt.Sprintf("g%03d", i), []byte(fmt.Sprintf("%d of %d\n", round, i)))
		}
	})
}

// threads: each goroutine has a thread of its own, which ends with it.
func threads() {
	together(150, func(i int) {
		runtime.LockOSThread()
		replace(fmt.Sprintf("t%03d", i), bytes.Repeat([]byte{byte('a' + i%26)}, 1000+i))
	})
}

// renames: two names change places and one name is replaced over and over.
func renames() {
	for i := 0; i < 400; i++ {
		must(os.WriteFile("next", []byte(fmt.Sprintln(i)), 0644))
		must(os.Rename("next", "current"))
		must(os.Rename("current", "moved"))
		must(os.Rename("moved", "current"))
	}
}

// preemption: loops without a call are interrupted by SIGURG, on whatever thread, while others are in calls.
func preemption() {
	runtime.GOMAXPROCS(4)
	var stop atomic.Bool
	for i := 0; i < 3; i++ {
		go func() {
			for sum := 0; !stop.Load(); sum++ {
			}
		}()
	}
	together(4, func(i int) {
		for round := 0; round < 60; round++ {
			replace(fmt.Sprintf("p%d", i), []byte(fmt.Sprintln(round)))
		}
	})
	stop.Store(true)
}

// collection: the garbage collector stops the world while data that it could move or free is being written.
func collection() {
	debug.SetGCPercent(1)
	var keep atomic.Value
	together(8, func(i int) {
		for round := 0; round < 40; round++ {
			data := bytes.Repeat([]byte{byte('A' + i)}, 30000)
			keep.Store(make([]byte, 1<<16))
			replace(fmt.Sprintf("c%d", i), data)
			if round%10 == 0 {
				runtime.GC()
			}
			if bytes.Count(data, data[:1]) != len(data) {
				must(fmt.Errorf("buffer changed"))
			}
		}
	})
}

// deep: stacks that grow, and so move, between calls.
func deep() {
	var descend func(int) int
	descend = func(level int) int {
		var frame [512]byte
		frame[level%512] = byte(level)
		if level%50 == 0 {
			replace("d", []byte(fmt.Sprintln(level)))
		}
		if level == 0 {
			return 0
		}
		return descend(level-1) + int(frame[level%512])
	}
	together(1, func(int) { descend(1500) })
}

// commands: children of several kinds, several at a time.
func commands() {
	self, err := os.Executable()
	must(err)
	together(24, func(i int) {
		name := fmt.Sprintf("x%02d", i)
		switch i % 4 {
		case 0:
			must(exec.Command("sh", "-c", "echo shell > "+name).Run())
		case 1:
			command := exec.Command("tee", name)
			command.Stdin = strings.NewReader("through a pipe\n")
			must(command.Run())
		case 2:
			command := exec.Command(self, "renames")
			command.Dir = name + ".dir"
			must(os.Mkdir(command.Dir, 0755))
			output, err := command.Output()
			must(err)
			must(os.WriteFile(name, output, 0644))
		case 3:
			command := exec.Command("cat")
			input, err := command.StdinPipe()
			must(err)
			output, err := command.StdoutPipe()
			must(err)
			must(command.Start())
			_, err = io.WriteString(input, "both ways\n")
			must(err)
			must(input.Close())
			data, err := io.ReadAll(output)
			must(err)
			must(command.Wait())
			must(os.WriteFile(name, data, 0644))
		}
	})
}

// environment: a child without any variable, and one with an LD_PRELOAD of its own.
func environment() {
	for i, variables := range [][]string{{}, {"LD_PRELOAD="}, {"PATH=/usr/bin:/bin", "A=b"}} {
		command := exec.Command("/bin/sh", "-c", fmt.Sprintf("echo $A > e%d", i))
		command.Env = variables
		must(command.Run())
	}
}

// signals: handlers in Go while other goroutines are in calls; SIGSYS asked for by the program too.
func signals() {
	arrived := make(chan os.Signal, 1000)
	signal.Notify(arrived, syscall.SIGUSR1, syscall.SIGSYS)
	together(4, func(i int) {
		for round := 0; round < 40; round++ {
			must(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
			replace(fmt.Sprintf("s%d", i), []byte(fmt.Sprintln(round)))
		}
	})
	select {
	case <-arrived:
	case <-time.After(10 * time.Second):
		must(fmt.Errorf("no signal arrived"))
	}
	signal.Stop(arrived)
}

// recovery: a fault in Go code is a signal that the runtime turns into a panic.
func recovery() {
	for i := 0; i < 50; i++ {
		func() {
			defer func() {
				if recover() == nil {
					must(fmt.Errorf("no panic"))
				}
			}()
			var nowhere *[1 << 20]int
			replace("r", []byte(fmt.Sprintln(i)))
			nowhere[i] = 1
		}()
	}
}

// deadlines: pipes go through epoll, with timers.
func deadlines() {
	reader, writer, err := os.Pipe()
	must(err)
	must(reader.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
	if _, err := reader.Read(make([]byte, 1)); !os.IsTimeout(err) {
		must(fmt.Errorf("read ended with %v", err))
	}
	must(reader.SetReadDeadline(time.Time{}))
	go func() {
		for i := 0; i < 100; i++ {
			_, err := fmt.Fprintln(writer, i)
			must(err)
		}
		must(writer.Close())
	}()
	data, err := io.ReadAll(reader)
	must(err)
	must(os.WriteFile("piped", data, 0644))
}

// tree: the directory calls of the standard library.
func tree() {
	for i := 0; i < 20; i++ {
		must(os.MkdirAll(fmt.Sprintf("a/b%d/c", i), 0755))
		must(os.WriteFile(fmt.Sprintf("a/b%d/c/f", i), []byte("x"), 0600))
		must(os.Link(fmt.Sprintf("a/b%d/c/f", i), fmt.Sprintf("a/b%d/l", i)))
		must(os.Symlink("c/f", fmt.Sprintf("a/b%d/s", i)))
		must(os.Chmod(fmt.Sprintf("a/b%d/c/f", i), 0640))
		must(os.Truncate(fmt.Sprintf("a/b%d/c/f", i), int64(i)))
	}
	must(filepath.WalkDir("a", func(string, os.DirEntry, error) error { return nil }))
	for i := 0; i < 10; i++ {
		must(os.RemoveAll(fmt.Sprintf("a/b%d", i)))
	}
}

// copies: io.Copy between files is copy_file_range, from a pipe splice.
func copies() {
	must(os.WriteFile("from", bytes.Repeat([]byte("0123456789abcdef"), 10000), 0644))
	from, err := os.Open("from")
	must(err)
	to, err := os.Create("to")
	must(err)
	_, err = io.Copy(to, from)
	must(err)
	must(to.Sync())
	must(to.Close())
	must(from.Close())
}

// raw: calls that no function of the library makes, by number, from a locked thread.
func raw() {
	runtime.LockOSThread()
	fd, err := syscall.Open("raw", syscall.O_CREAT|syscall.O_RDWR, 0644)
	must(err)
	for i := 0; i < 500; i++ {
		_, err = syscall.Pwrite(fd, []byte("0123456789"), int64(i*10))
		must(err)
	}
	must(syscall.Fdatasync(fd))
	must(syscall.Close(fd))
}

var modes = map[string]func(){
	"goroutines": goroutines, "threads": threads, "renames": renames, "preemption": preemption,
	"collection": collection, "deep": deep, "commands": commands, "environment": environment,
	"signals": signals, "recovery": recovery, "deadlines": deadlines, "tree": tree, "copies": copies, "raw": raw,
}

func main() {
	mode := modes[strings.Join(os.Args[1:], " ")]
	if mode == nil {
		fmt.Fprintln(os.Stderr, "usage: stress NAME")
		os.Exit(2)
	}
	mode()
	fmt.Println("done", os.Args[1])
}
