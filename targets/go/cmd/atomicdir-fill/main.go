// usage: atomicdir-fill D FILE=CONTENT...
// Makes D a symlink to a fresh directory that holds the given files. Exit status: 0 done, 1 failed, 2 usage.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "oldornew/targets/linking"
	"oldornew/targets/seeds"
)

func usage() {
	fmt.Fprintln(os.Stderr, "usage: atomicdir-fill D FILE=CONTENT...")
	os.Exit(2)
}

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	files := os.Args[2:]
	for _, argument := range files {
		if strings.Index(argument, "=") < 1 {
			usage()
		}
	}
	err := seeds.Fill(os.Args[1], func(dir string) error {
		for _, argument := range files {
			name, content, _ := strings.Cut(argument, "=")
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0600); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "atomicdir-fill:", err)
		os.Exit(1)
	}
}
