package identity

import (
	"io"

	"github.com/kdelta/kdelta/internal/canon"
)

// Member is what a database holds of its space: the epoch's secret and grant,
// the writer's private key unless it is read-only, and the root's private key
// if it made the space. A Member comes from NewSpace, FromInvite, DecodeMember
// or StoredMember and is consistent; the zero Member is of no space and answers
// IsZero, CanWrite, IsRoot and String only.
//
//	encoding   [secret, grant, writer seed or empty, root seed or empty]
type Member struct {
	space  Space // that of the grant
	secret *hiddenSecret
	grant  Grant
	writer WriterKey
	root   RootKey
}

// NewSpace makes a space and its first member, who holds all its keys. It
// draws exactly 96 bytes from rand: root seed, writer seed, epoch secret. The
// error is rand's, wrapped.
func NewSpace(rand io.Reader) (Member, error) {
	root, err := NewRootKey(rand)
	if err != nil {
		return Member{}, err
	}
	writer, err := NewWriterKey(rand)
	if err != nil {
		return Member{}, err
	}
	secret, err := drawSeed(rand)
	if err != nil {
		return Member{}, err
	}
	grant := root.Grant(FirstEpoch, writer.Writer())
	return Member{space: grant.Space(), secret: hide(secret), grant: grant, writer: writer, root: root}, nil
}

// FromInvite returns the member that an invite makes: never a root holder, and
// read-only if the invite is. Whether the invite has expired is for the caller
// to ask before (Invite.Expired).
func FromInvite(inv Invite) Member {
	return Member{space: inv.grant.Space(), secret: inv.secret, grant: inv.grant, writer: inv.writer}
}

// Space returns the id of the space.
func (m Member) Space() Space { return m.space }

// Root returns the root public key of the space.
func (m Member) Root() Root { return m.grant.Root }

// Epoch returns the epoch whose secret m holds.
func (m Member) Epoch() Epoch { return m.grant.Epoch }

// Secret returns the epoch's secret, from which session and pack keys derive.
// The zero Member has none and panics.
func (m Member) Secret() EpochSecret { return *m.secret.secret }

// Grant returns the root's grant of the epoch's writer key.
func (m Member) Grant() Grant { return m.grant }

// CanWrite reports whether m can certify authors.
func (m Member) CanWrite() bool { return !m.writer.IsZero() }

// IsRoot reports whether m holds the root's private key.
func (m Member) IsRoot() bool { return !m.root.IsZero() }

// IsZero reports whether m is the zero Member, of no space.
func (m Member) IsZero() bool { return m.grant == Grant{} }

// Certify signs that author may write in the space. ErrReadOnly if m holds no
// writer key.
func (m Member) Certify(author Author) (Certificate, error) {
	if !m.CanWrite() {
		return Certificate{}, ErrReadOnly
	}
	return m.writer.Certify(m.grant, author), nil
}

// Invite makes an invite to m's space: without the writer's key if readOnly,
// valid until expires in Unix milliseconds or for ever if 0, with hints where
// members or relays may be found. ErrReadOnly if m has no writer key to pass
// on, ErrInviteBounds if expires is negative or a hint out of bounds.
func (m Member) Invite(readOnly bool, expires int64, hints []string) (Invite, error) {
	inv := Invite{secret: m.secret, grant: m.grant, expires: expires}
	if !readOnly {
		if !m.CanWrite() {
			return Invite{}, ErrReadOnly
		}
		inv.writer = m.writer
	}
	inv.hints = append(inv.hints, hints...)
	if err := inv.check(); err != nil {
		return Invite{}, err
	}
	return inv, nil
}

// String names the space and hides the secrets.
func (m Member) String() string {
	if m.IsZero() {
		return "Member(none)"
	}
	return "Member(" + m.Space().String() + ")"
}

// GoString is String: %#v must not show the secrets either.
func (m Member) GoString() string { return m.String() }

// Append appends the canonical encoding of m, at most 247 bytes. They are
// the secrets themselves: for the database's own file, and for backups that
// say so.
func (m Member) Append(dst []byte) []byte {
	dst = canon.AppendArray(dst, 4)
	dst = canon.AppendBytes(dst, m.secret.secret[:])
	dst = m.grant.Append(dst)
	dst = appendSeed(dst, m.writer.pair)
	return appendSeed(dst, m.root.pair)
}

// DecodeMember is the strict inverse of Append: all of b, one encoding, or
// ErrMalformed. It also checks that the parts belong together: see Verify.
func DecodeMember(b []byte) (Member, error) {
	m, err := StoredMember(b)
	if err == nil {
		err = m.Verify()
	}
	if err != nil {
		return Member{}, err
	}
	return m, nil
}

// StoredMember is DecodeMember for bytes that are known to be what Append once
// wrote, as those of one's own database. It does not verify them, which would
// take longer than all else that a read of one value does.
func StoredMember(b []byte) (Member, error) {
	d := newDecoder("member", b)
	d.array(4)
	m := Member{secret: hide(d.bytes32()), grant: d.grant(), writer: d.writerKey(), root: d.rootKey()}
	if err := d.end(); err != nil {
		return Member{}, err
	}
	m.space = m.grant.Space()
	return m, nil
}

// Verify returns nil if the grant is signed by its root, and the private keys
// are those of the public ones: else ErrSignature.
func (m Member) Verify() error {
	if err := m.grant.Verify(m.Space()); err != nil {
		return err
	}
	if m.CanWrite() && m.writer.Writer() != m.grant.Writer {
		return &detail{kind: ErrSignature, text: "the writer key is not the one that was granted"}
	}
	if m.IsRoot() && m.root.Root() != m.grant.Root {
		return &detail{kind: ErrSignature, text: "the root key is not the one of the space"}
	}
	return nil
}

// appendSeed appends the seed of k, or empty bytes where there is no key.
func appendSeed(dst []byte, k *keyPair) []byte {
	if k == nil {
		return canon.AppendBytes(dst, nil)
	}
	seed := k.seed()
	return canon.AppendBytes(dst, seed[:])
}

func (d *decoder) writerKey() WriterKey {
	if b := d.optional(32); b != nil {
		return WriterKeyFromSeed([32]byte(b))
	}
	return WriterKey{}
}

func (d *decoder) rootKey() RootKey {
	if b := d.optional(32); b != nil {
		return RootKeyFromSeed([32]byte(b))
	}
	return RootKey{}
}
