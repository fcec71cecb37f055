package temporary

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// unseen is how long ago the last change must be.
const unseen = time.Hour

// File makes a file in a folder, readable and writable by its owner alone.
func File(dir, prefix string) (*os.File, error) {
	f, err := os.CreateTemp(dir, pattern(prefix))
	return f, inFolder(dir, err)
}

// Folder makes a folder in another one, for its owner alone.
func Folder(dir, prefix string) (string, error) {
	made, err := os.MkdirTemp(dir, pattern(prefix))
	return made, inFolder(dir, err)
}

// inFolder is an error about a name that means nothing to anybody, told of the folder.
func inFolder(dir string, err error) error {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return fmt.Errorf("nothing can be made in %s: %w; check that the folder is there, has room and may be written to", dir, at.Err)
	}
	return err
}

func pattern(prefix string) string { return prefix + strconv.Itoa(os.Getpid()) + "-*" }

// Sweep removes what processes that are gone have left in a folder under some prefixes. What cannot be removed stays.
func Sweep(dir string, prefixes ...string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		for _, prefix := range prefixes {
			if pid, ok := owner(entry.Name(), prefix); ok && !Runs(pid) && untouched(entry) {
				_ = os.RemoveAll(filepath.Join(dir, entry.Name()))
			}
		}
	}
}

// owner is the process that made a name of a prefix.
func owner(name, prefix string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	first, second, ok := strings.Cut(rest, "-")
	if !ok || !digits(first) || !digits(second) {
		return 0, false
	}
	pid, err := strconv.Atoi(first)
	return pid, err == nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func untouched(entry os.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && time.Since(info.ModTime()) > unseen
}

// Runs reports whether there is a process of that number here.
func Runs(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return runtime.GOOS == "windows" || !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
