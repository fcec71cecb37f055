package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// Bounds of the remembered remotes.
const (
	maxRemotes = 64
	maxRemote  = 4096
)

// ErrRemote says that a target cannot be remembered.
var ErrRemote = errors.New("no target to remember")

// Remotes lists the targets that this database remembers to sync with, in the order in which they were added. They
// belong to the database and are not shared.
func (r *Replica) Remotes(ctx context.Context) ([]string, error) {
	var remotes []string
	err := r.view(ctx, func(s *snap) error {
		var err error
		remotes, err = readRemotes(s.tx)
		return err
	})
	return remotes, err
}

func readRemotes(tx store.Tx) ([]string, error) {
	b, err := metaRow(tx, metaRemotes)
	if err != nil || b == nil {
		return nil, err
	}
	var remotes []string
	d := canon.NewReader(b)
	n, err := d.Array()
	for i := 0; i < n && err == nil; i++ {
		var target string
		target, err = d.String()
		remotes = append(remotes, target)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the remotes: %w", store.ErrCorrupt, err)
	}
	return remotes, nil
}

// AddRemote remembers a target; one that is remembered already stays where it is.
func (r *Replica) AddRemote(ctx context.Context, target string) error {
	bad := target == "" || len(target) > maxRemote || !utf8.ValidString(target) ||
		slices.ContainsFunc([]rune(target), unicode.IsControl)
	if bad {
		return fmt.Errorf("%w: %q: a target is printable text of at most %d bytes", ErrRemote, target, maxRemote)
	}
	return r.changeRemotes(ctx, func(remotes []string) ([]string, error) {
		if slices.Contains(remotes, target) {
			return remotes, nil
		}
		if len(remotes) >= maxRemotes {
			return nil, fmt.Errorf("%w: %d are remembered already; remove one first", ErrRemote, maxRemotes)
		}
		return append(remotes, target), nil
	})
}

// RemoveRemote forgets a target; ErrNotFound if it is not remembered.
func (r *Replica) RemoveRemote(ctx context.Context, target string) error {
	return r.changeRemotes(ctx, func(remotes []string) ([]string, error) {
		i := slices.Index(remotes, target)
		if i < 0 {
			return nil, fmt.Errorf("%w: remote %s", ErrNotFound, target)
		}
		return slices.Delete(remotes, i, i+1), nil
	})
}

func (r *Replica) changeRemotes(ctx context.Context, change func([]string) ([]string, error)) error {
	return r.writeUser(ctx, func(c *commit) error {
		remotes, err := readRemotes(c.tx)
		if err != nil {
			return err
		}
		if remotes, err = change(remotes); err != nil {
			return err
		}
		b := canon.AppendArray(nil, len(remotes))
		for _, target := range remotes {
			b = canon.AppendString(b, target)
		}
		return c.fail(putMeta(c.tx, metaRemotes, b))
	})
}
