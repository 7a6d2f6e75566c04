// usage: write-file-atomic DIR NAME PERM < data
// Replaces DIR/NAME by what is on standard input. PERM is octal. Exit status: 0 done, 1 failed, 2 usage.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	_ "oldornew/targets/linking"
	"oldornew/targets/seeds"
)

func main() {
	var perm uint64
	err := strconv.ErrSyntax
	if len(os.Args) == 4 {
		perm, err = strconv.ParseUint(os.Args[3], 8, 12)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: write-file-atomic DIR NAME PERM < data")
		os.Exit(2)
	}
	data, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = seeds.WriteFileAtomic(os.Args[1], os.Args[2], data, os.FileMode(perm))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "write-file-atomic:", err)
		os.Exit(1)
	}
}
