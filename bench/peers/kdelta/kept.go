package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// keep writes a file for other processes of the same run. One who runs out of time meanwhile leaves nothing.
func keep(folder, name string, b []byte) error {
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file+".part", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

// kept is the bytes under a name in a folder. Who asks first makes them.
func kept(folder, name string, make func() ([]byte, error)) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(folder, name))
	if !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if b, err = make(); err == nil {
		err = keep(folder, name, b)
	}
	return b, err
}

// reader makes replicas that hold what one does that make made; that is done once.
func reader(folder, name string, make func() (*replica.Replica, error)) (func() (*replica.Replica, error), error) {
	ctx := context.Background()
	backup, err := kept(folder, name, func() ([]byte, error) {
		r, err := make()
		if err != nil {
			return nil, err
		}
		return backupOf(r)
	})
	return func() (*replica.Replica, error) {
		r, _, err := replica.Restore(ctx, memory.New(), bytes.NewReader(backup), options, nil)
		return r, err
	}, err
}

func backupOf(r *replica.Replica) ([]byte, error) {
	var b bytes.Buffer
	_, err := r.Backup(context.Background(), &b, replica.BackupOptions{})
	return b.Bytes(), err
}

// joined is updates one after the other, each behind its length.
func joined(updates [][]byte) (b []byte) {
	for _, u := range updates {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(u))), u...)
	}
	return b
}

func split(b []byte) (updates [][]byte) {
	for len(b) > 0 {
		end := 4 + binary.LittleEndian.Uint32(b)
		updates = append(updates, b[4:end])
		b = b[end:]
	}
	return updates
}
