package main

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/zstd"
)

// local types a session at one place, each patch as an edit.
func local(folder, name string) (result, error) {
	s, err := readSession(name)
	if err != nil {
		return result{}, err
	}
	took, text, err := measure(nothing, func(none) (*sequence.Text, error) {
		text := sequence.NewText(nil)
		for i := range s.versions {
			if err := splice(text, &s.versions[i]); err != nil {
				return nil, err
			}
		}
		return text, nil
	})
	if err != nil {
		return result{}, err
	}
	return result{cost: took, Text: hashOf(text.String())}, keepBoth(folder, text)
}

func splice(text *sequence.Text, v *version) error {
	for i := range v.ops {
		if err := text.Splice(v.ops[i].Dot, v.ops[i].Splice); err != nil {
			return err
		}
	}
	return nil
}

// merge takes a whole session into an empty text.
func merge(folder, _ string) (result, error) {
	return read(folder, "history", func(b []byte) (*sequence.Text, error) {
		log, err := sequence.DecodeLog(b)
		if err != nil {
			return nil, err
		}
		text := sequence.NewText(nil)
		_, err = text.Merge(log)
		return text, err
	})
}

// load opens a text.
func load(folder, _ string) (result, error) {
	return read(folder, "saved", func(b []byte) (*sequence.Text, error) { return sequence.OpenText(b, nil) })
}

// read measures how a text is made of the bytes in a file, up to what it says.
func read(folder, file string, open func([]byte) (*sequence.Text, error)) (result, error) {
	kept, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return result{}, err
	}
	took, text, err := measure(nothing, func(none) (*sequence.Text, error) {
		b, err := unpack(kept)
		if err != nil {
			return nil, err
		}
		text, err := open(b)
		if err != nil {
			return nil, err
		}
		_ = text.String()
		return text, nil
	})
	if err != nil {
		return result{}, err
	}
	return result{cost: took, Bytes: float64(len(kept)), Text: hashOf(text.String())}, nil
}

// keepBoth writes a text for the works that read one, compressed as packs are. In WASM there is nothing that compresses: the
// native program has written them.
func keepBoth(folder string, text *sequence.Text) error {
	for file, b := range map[string][]byte{"history": text.Log().Append(nil, 0), "saved": text.AppendSnapshot(nil)} {
		packed, ok := zstd.Compress(binary.AppendUvarint(nil, uint64(len(b))), b, false)
		if !ok {
			return nil
		}
		if err := keep(folder, file, packed); err != nil {
			return err
		}
	}
	return nil
}

func unpack(kept []byte) ([]byte, error) {
	size, n := binary.Uvarint(kept)
	if n <= 0 || size > 1<<30 {
		return nil, errors.New("a file that keep did not write")
	}
	return zstd.Decompress(nil, kept[n:], int(size))
}
