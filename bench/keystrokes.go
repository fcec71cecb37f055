package main

import (
	"fmt"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
)

func keystrokeRows() []row {
	return []row{
		{name: "a version for each keystroke of the paper, made", target: ">= 200 k/s", run: makeKeystrokes},
		{name: "a version for each keystroke of the paper, applied one by one", target: ">= 300 k/s", run: applyKeystrokes},
		{name: "a version for each keystroke of the paper, in packs of 10 ms", target: "<= 20 B each", run: packKeystrokes},
	}
}

// keystrokeAuthor types the paper.
var keystrokeAuthor = identity.Author{1}

// keystrokeVersions types keystrokes into a text, each a version: checked, hashed, and in the text.
func keystrokeVersions(keys []keystroke) (versions []history.Version, err error) {
	text := sequence.NewText(nil)
	versions = make([]history.Version, 0, len(keys))
	draft := history.Draft{Author: keystrokeAuthor}
	for i, k := range keys {
		op, err := crdt.TextSplice(paperKey, k.pos, k.removed, k.text)
		if err != nil {
			return nil, err
		}
		draft.Time, draft.Ops = clock.Next(int64(i/10), draft.Time), []history.Op{{Op: op}} // ten in a millisecond
		v, err := history.New(draft)
		if err != nil {
			return nil, err
		}
		dot := sequence.Dot{Author: v.Author, Seq: v.Seq - v.Width + 1}
		if err := text.Splice(dot, sequence.Splice{Pos: k.pos, Removed: k.removed, Text: k.text}); err != nil {
			return nil, err
		}
		versions, draft.Prev = append(versions, v), v.Ref()
	}
	return versions, nil
}

// paperVersions is the paper, typed.
func paperVersions() ([]history.Version, error) {
	keys, err := readPaper()
	if err != nil {
		return nil, err
	}
	return keystrokeVersions(keys)
}

func makeKeystrokes(*bench) (result, error) {
	keys, err := readPaper()
	if err != nil {
		return result{}, err
	}
	took, err := alone(rounds, func() (func() error, error) {
		return func() error {
			_, err := keystrokeVersions(keys)
			return err
		}, nil
	})
	each := took / time.Duration(len(keys))
	return result{ours: each, met: each <= time.Second/200_000, note: "hashed and in the text"}, err
}

// applyKeystrokes takes in versions each of which comes as a run of its own.
func applyKeystrokes(*bench) (result, error) {
	versions, err := paperVersions()
	if err != nil {
		return result{}, err
	}
	updates, size := make([][]byte, len(versions)), 0
	for i := range versions {
		if updates[i], err = history.EncodeRun(versions[i : i+1]); err != nil {
			return result{}, err
		}
		size += len(updates[i])
	}
	took, err := alone(rounds, func() (func() error, error) {
		text, decoder := sequence.NewText(oneWriter{}), &history.Decoder{}
		return func() error {
			for _, update := range updates {
				if err := applyUpdate(text, decoder, update); err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
	each := took / time.Duration(len(versions))
	note := fmt.Sprintf("judged, hashed and in the text; %d bytes each as a run of its own", size/len(versions))
	return result{ours: each, met: each <= time.Second/300_000, note: note}, err
}

// applyUpdate reads a run of one version, which judges and hashes it, and applies it to a text.
func applyUpdate(text *sequence.Text, decoder *history.Decoder, update []byte) error {
	if err := decoder.Reset(identity.Space{}, update); err != nil {
		return err
	}
	v, err := decoder.Next()
	if err != nil {
		return err
	}
	dot := sequence.Dot{Author: v.Author, Seq: v.Seq - v.Width + 1}
	for _, op := range v.Ops() {
		pos, removed, inserted, err := op.TextSplice()
		if err != nil {
			return err
		}
		s := sequence.Splice{Pos: pos, Removed: removed, Text: inserted}
		if _, err := text.Apply(sequence.Op{Dot: dot, Splice: s}); err != nil {
			return err
		}
		dot.Seq += uint64(s.Width())
	}
	return nil
}

// oneWriter answers for a text that one person wrote.
type oneWriter struct{}

// Covers implements sequence.History.
func (oneWriter) Covers(b, a sequence.Dot) bool { return a.Seq <= b.Seq }

// Stamp implements sequence.History.
func (oneWriter) Stamp(d sequence.Dot) clock.Stamp { return clock.Stamp{Author: d.Author, Seq: d.Seq} }

// packKeystrokes is what a live link carries of somebody who types that fast: what comes to be within 10 ms is one pack.
func packKeystrokes(*bench) (result, error) {
	versions, err := paperVersions()
	if err != nil {
		return result{}, err
	}
	const gathered = 100
	size, first := 0, 0
	took, err := alone(rounds, func() (func() error, error) {
		size = 0
		var encoder pack.Encoder
		return func() error {
			for rest := versions; len(rest) > 0; {
				n := min(gathered, len(rest))
				b, err := encoder.Append(nil, rest[:n], pack.Options{})
				if err != nil {
					return err
				}
				size, rest = size+len(b), rest[n:]
			}
			one, err := encoder.Append(nil, versions[:1], pack.Options{})
			first = len(one)
			return err
		}, nil
	})
	each := took / time.Duration(len(versions))
	bytes := float64(size) / float64(len(versions))
	note := fmt.Sprintf("%.1f bytes each beside the seal, 100 in a pack; %d alone", bytes, first)
	return result{ours: each, met: bytes <= 20, note: note}, err
}
