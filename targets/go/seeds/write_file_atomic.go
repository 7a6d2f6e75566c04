// Package seeds holds the two published update algorithms in the language they were published in, with their
// flaws, which are what makes them worth testing (targets/write_file_atomic.h and targets/atomicdir_fill.h
// list them). Never use them: targets/hardened/ has what to learn from.
package seeds

import (
	"os"
	"path/filepath"
)

// WriteFileAtomic makes dir/name hold data: temporary file with a fixed name, write, fsync, rename. The
// directory is not forced to disk.
func WriteFileAtomic(dir, name string, data []byte, perm os.FileMode) error {
	temporary := filepath.Join(dir, ".tmp-"+name)
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	// Harmless after the rename: the name is gone by then.
	defer os.Remove(temporary)
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	file.Close()
	if err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(dir, name))
}
