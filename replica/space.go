package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// ensureMember makes a new space where the database belongs to none yet.
func (c *commit) ensureMember() error {
	if !c.member.IsZero() {
		return nil
	}
	m, err := identity.NewSpace(c.r.rand)
	if err != nil {
		return err
	}
	return c.setMember(m)
}

func (c *commit) setMember(m identity.Member) error {
	if err := putMeta(c.tx, metaMember, m.Append(nil)); err != nil {
		return c.fail(err)
	}
	c.member, c.wrote = m, true
	return nil
}

// ensureAuthor makes sure that this database may write, and that nobody else writes as its author: the first write
// of a process compares the database with its sidecar, and a copy or a database that was set back gets an author
// of its own.
func (c *commit) ensureAuthor() error {
	if err := c.ensureMember(); err != nil {
		return err
	}
	if !c.member.CanWrite() {
		return ErrReadOnlyMember
	}
	if err := c.guard(); err != nil {
		return err
	}
	if !c.author.key.IsZero() {
		return c.unsettle()
	}
	return c.newAuthor()
}

// newAuthor gives the database an author that nobody else has, for all that it writes from now on.
func (c *commit) newAuthor() error {
	key, err := identity.NewAuthorKey(c.r.rand)
	if err != nil {
		return err
	}
	cert, err := c.member.Certify(key.Author())
	if err != nil {
		return err
	}
	if err := c.retireAuthor(); err != nil {
		return c.fail(err)
	}
	if c.tip.own.seq > 0 {
		c.dirtyLines.add(c.tip.own.line) // from now on its own row says where it stands
	}
	row := authorRow{key: key, line: history.Line(len(c.lines))}
	c.setLine(row.line, &store.Author{Author: key.Author(), Certificate: cert.Append(nil)})
	c.tip.own = head{line: row.line}
	c.author, c.wrote = row, true
	if err := putMeta(c.tx, metaAuthor, row.append(nil)); err != nil {
		return c.fail(err)
	}
	if err := putMeta(c.tx, metaHanded, nil); err != nil {
		return c.fail(err)
	}
	return nil
}

// retireAuthor keeps the key of the author that this database gives up: what it wrote may not have left yet, and has to
// be sealed when it does.
func (c *commit) retireAuthor() error {
	if c.author.key.IsZero() {
		return nil
	}
	retired, err := metaRow(c.tx, metaRetired)
	if err != nil {
		return err
	}
	seed := c.author.key.Seed()
	return putMeta(c.tx, metaRetired, append(append([]byte(nil), retired...), seed[:]...))
}

// ownKeys are the keys of all authors that this database has written as, the current one last.
func (s *snap) ownKeys() ([]identity.AuthorKey, error) {
	seeds, err := metaRow(s.tx, metaRetired)
	if err != nil {
		return nil, err
	}
	var keys []identity.AuthorKey
	for ; len(seeds) >= 32; seeds = seeds[32:] {
		keys = append(keys, s.r.retired.key([32]byte(seeds)))
	}
	row, err := s.author()
	if err != nil || row.key.IsZero() {
		return keys, err
	}
	return append(keys, row.key), nil
}

// keyring keeps the keys of retired authors by their seeds: to derive one takes as long as a signature, and each sync of a
// database that has retired some asks for all of them.
type keyring struct {
	mu   sync.Mutex
	keys map[[32]byte]identity.AuthorKey
}

func (k *keyring) key(seed [32]byte) identity.AuthorKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, known := k.keys[seed]
	if !known {
		if k.keys == nil {
			k.keys = make(map[[32]byte]identity.AuthorKey)
		}
		key = identity.AuthorKeyFromSeed(seed)
		k.keys[seed] = key
	}
	return key
}

// author is as whom the database writes, zero for nobody yet. To derive a key takes as long as a signature, so the one at hand is
// taken where it is the same.
func (s *snap) author() (authorRow, error) {
	b, err := metaRow(s.tx, metaAuthor)
	if err != nil || b == nil {
		return authorRow{}, err
	}
	s.r.mu.RLock()
	m := s.r.mem
	s.r.mu.RUnlock()
	if m != nil && !m.author.key.IsZero() && bytes.Equal(m.author.append(nil), b) {
		return m.author, nil
	}
	return decodeAuthorRow(b)
}

// InviteOptions say what an invite allows.
type InviteOptions struct {
	// ReadOnly invites can read and sync, not write.
	ReadOnly bool
	// Expires is how long the invite holds; 0 for ever. Honest software alone looks at it: whoever has the string has
	// the keys.
	Expires time.Duration
	// Hints say where the space can be found: addresses and relays.
	Hints []string
}

// Invite returns the string that lets another device into this replica's space. It is a secret.
func (r *Replica) Invite(ctx context.Context, o InviteOptions) (string, error) {
	var text string
	err := r.writeUser(ctx, func(c *commit) error {
		if err := c.ensureMember(); err != nil {
			return err
		}
		var expires int64
		if o.Expires > 0 {
			expires = r.wall.Now() + o.Expires.Milliseconds()
		}
		inv, err := c.member.Invite(o.ReadOnly, expires, o.Hints)
		if err != nil {
			return err
		}
		text = inv.Text()
		return nil
	})
	return text, err
}

// ErrInviteExpired says that the invite's time is over. Ask for another one.
var ErrInviteExpired = errors.New("the invite has expired; ask for a new one")

// Join opens a replica on a store and brings it into the space of an invite. A fresh store becomes a replica of that
// space. One that belongs to it already takes what the invite grants beyond what it had. One that holds another
// space's data is refused with ErrUsed: see Adopt.
func Join(ctx context.Context, st store.Store, invite string, opts Options) (*Replica, error) {
	r, err := Open(ctx, st, opts)
	if err != nil {
		return nil, err
	}
	inv, err := identity.ParseInvite(invite)
	if err != nil {
		return nil, err
	}
	if inv.Expired(r.wall.Now()) {
		return nil, ErrInviteExpired
	}
	err = r.write(ctx, func(c *commit) error { return c.join(identity.FromInvite(inv)) })
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (c *commit) join(m identity.Member) error {
	switch {
	case c.member.IsZero():
		return c.setMember(m)
	case c.member.Space() == m.Space():
		if m.CanWrite() && !c.member.CanWrite() {
			return c.setMember(m)
		}
		return nil
	case c.tip.versions > 0:
		return fmt.Errorf("%w; adopt it into the space to keep both (this database: space %s, the invite: space %s)", ErrUsed,
			short(c.member.Space()), short(m.Space()))
	}
	// Nothing was written yet in the space that this database made for itself.
	c.author = authorRow{}
	if err := c.tx.Delete(store.Meta, []byte(metaAuthor)); err != nil {
		return c.fail(err)
	}
	return c.setMember(m)
}

// short is the form of a space id that people compare.
func short(s identity.Space) string { return s.String()[:8] }

// readFull fills b from the replica's source of randomness.
func (r *Replica) readFull(b []byte) error {
	_, err := io.ReadFull(r.rand, b)
	return err
}
