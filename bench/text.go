package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

func textRows() []row {
	return []row{
		{name: "a paper typed, NORMAL, a commit for 100 keystrokes", target: "<= 1 s", run: typePaper},
		{name: "opening the paper", target: "<= 5 ms", run: openPaper},
		{name: "a keystroke and its commit in 1 MB of text, NORMAL", target: "<= 1 ms", run: typeInMegabyte},
	}
}

// keystroke is a patch of a recorded session: a position, a number of code points to take out, and text.
type keystroke struct {
	pos, removed int
	text         string
}

// UnmarshalJSON implements json.Unmarshaler.
func (k *keystroke) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&k.pos, &k.removed, &k.text})
}

// readPaper reads the keystrokes of automerge-paper.
func readPaper() ([]keystroke, error) {
	f, err := os.Open("crdt/sequence/testdata/automerge-paper.json.gz")
	if err != nil {
		return nil, fmt.Errorf("run it in the root of the repository: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var paper struct {
		Txns []struct {
			Patches []keystroke `json:"patches"`
		} `json:"txns"`
	}
	if err := json.NewDecoder(z).Decode(&paper); err != nil {
		return nil, err
	}
	var keys []keystroke
	for _, txn := range paper.Txns {
		keys = append(keys, txn.Patches...)
	}
	return keys, nil
}

const paperKey = "papers/1"

// typed types keystrokes into a text.
func typed(b *bench, r *replica.Replica, keys []keystroke) error {
	text := r.Text(paperKey)
	for i, k := range keys {
		if err := text.Splice(b.ctx, k.pos, k.removed, k.text); err != nil {
			return err
		}
		if i%100 == 99 || i == len(keys)-1 {
			if _, err := text.Commit(b.ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func typePaper(b *bench) (result, error) {
	keys, err := readPaper()
	if err != nil {
		return result{}, err
	}
	last := func() {}
	took, err := alone(rounds, func() (func() error, error) {
		last()
		r, done, err := b.sqliteReplica(sqlite.Durability(sqlite.Normal))
		if err != nil {
			return nil, err
		}
		last = done
		return func() error { return typed(b, r, keys) }, nil
	})
	last()
	return result{ours: took, note: fmt.Sprintf("%d keystrokes", len(keys)), met: took <= time.Second}, err
}

func openPaper(b *bench) (result, error) {
	keys, err := readPaper()
	if err != nil {
		return result{}, err
	}
	dir, err := b.tempDir()
	if err != nil {
		return result{}, err
	}
	path := filepath.Join(dir, "paper.db")
	open := func() (*replica.Replica, func(), error) {
		st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
		if err != nil {
			return nil, nil, err
		}
		r, err := replica.Open(b.ctx, st, replica.Options{})
		return r, func() { _, _ = r.Close(), st.Close() }, err
	}
	r, done, err := open()
	if err != nil {
		return result{}, err
	}
	err = typed(b, r, keys)
	if done(); err != nil {
		return result{}, err
	}
	size, last := 0, func() {}
	took, err := alone(4*rounds, func() (func() error, error) {
		last()
		r, done, err := open()
		last = done
		return func() error {
			text, err := r.Text(paperKey).String(b.ctx)
			size = len(text)
			return err
		}, err
	})
	last()
	return result{ours: took, note: fmt.Sprintf("%d bytes of text", size), met: took <= 5*time.Millisecond}, err
}

func typeInMegabyte(b *bench) (result, error) {
	r, done, err := b.sqliteReplica(sqlite.Durability(sqlite.Normal))
	if err != nil {
		return result{}, err
	}
	defer done()
	text := r.Text(paperKey)
	if err := text.Insert(b.ctx, 0, strings.Repeat("0123456789abcdef", 1<<16)); err != nil {
		return result{}, err
	}
	pos := 1 << 19
	times, err := inTurns(2000, func() error {
		pos++
		if err := text.Insert(b.ctx, pos, "x"); err != nil {
			return err
		}
		_, err := text.Commit(b.ctx)
		return err
	})
	if err != nil {
		return result{}, err
	}
	return result{ours: times[0], met: times[0] <= time.Millisecond}, nil
}
