package seeds

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNotSymlink says that Fill was asked to replace something else than a symlink.
var ErrNotSymlink = errors.New("not a symlink")

// Fill makes d a symlink to a fresh directory that populate has filled, in one step, and removes the directory
// that d led to before. Nothing is forced to disk.
func Fill(d string, populate func(string) error) error {
	var old string
	switch info, err := os.Lstat(d); {
	case os.IsNotExist(err):
	case err != nil:
		return err
	case info.Mode()&os.ModeSymlink == 0:
		return fmt.Errorf("%s: %w", d, ErrNotSymlink)
	default:
		if old, err = os.Readlink(d); err != nil {
			return err
		}
	}

	dir, file := filepath.Split(d)
	garbage, err := os.MkdirTemp(dir, file+"-")
	if err != nil {
		return err
	}
	defer func() { os.RemoveAll(garbage) }()
	fresh := garbage
	if err := populate(fresh); err != nil {
		return err
	}
	link := filepath.Join(dir, file+".tmp")
	if err := os.Symlink(fresh, link); err != nil {
		return err
	}
	if err := os.Rename(link, d); err != nil {
		return err
	}
	garbage = old
	return nil
}
