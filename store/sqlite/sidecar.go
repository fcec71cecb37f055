package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kdelta/kdelta/internal/temporary"
	"github.com/kdelta/kdelta/store"
)

// sidecarLimit bounds what ReadSidecar reads.
const sidecarLimit = 64 << 10

// Sidecar is the path of the file beside the database; the file need not be there.
func (s *Store) Sidecar() string { return s.path + "-instance" }

// FileIdentity implements [store.Sidecar].
func (s *Store) FileIdentity() (string, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	return fileIdentity(info), nil
}

// BootID implements [store.Sidecar]. It is empty on anything but Linux.
func (s *Store) BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// Durable implements [store.Sidecar].
func (s *Store) Durable() bool { return s.options.durable == Full }

// ReadSidecar implements [store.Sidecar].
func (s *Store) ReadSidecar() ([]byte, error) {
	f, err := os.Open(s.Sidecar())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, sidecarLimit))
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if newest, _, ok := newestSlot(b); ok {
		return newest.bytes, nil
	}
	return b, nil
}

// WriteSidecar implements [store.Sidecar].
func (s *Store) WriteSidecar(b []byte) error {
	if s.options.readOnly {
		return fmt.Errorf("%w: %s was opened with ReadOnly", store.ErrReadOnly, s.path)
	}
	err := checkSlot(b)
	if err == nil {
		err = overwriteSlot(s.Sidecar(), b)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoSlots) {
		err = replaceFile(s.Sidecar(), firstSlots(b))
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	s.swept.Do(s.sweep)
	return nil
}

// sweep removes what processes that were killed have left beside the database.
func (s *Store) sweep() {
	temporary.Sweep(filepath.Dir(s.path), filepath.Base(s.Sidecar())+"-", filepath.Base(s.path)+newSuffix)
}

// replaceFile writes a file beside path, private, brings it to the disk and renames it over path.
func replaceFile(path string, b []byte) (err error) {
	dir := filepath.Dir(path)
	f, err := temporary.File(dir, filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a rename durable. Windows neither offers nor needs it.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
