package identity

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
)

// Errors of invites. ParseInvite returns the first three, Member.Invite the
// last.
var (
	// ErrInviteMalformed says that a text is no invite, or one whose content
	// contradicts itself.
	ErrInviteMalformed = errors.New("identity: not an invite")
	// ErrInviteChecksum says that an invite was changed or cut on its way.
	ErrInviteChecksum = errors.New("identity: the invite is damaged (checksum); copy the whole of it again")
	// ErrInviteVersion says that the invite was made by a newer release.
	ErrInviteVersion = errors.New("identity: the invite was made by a newer release; update this one to join")
	// ErrInviteBounds says that an invite cannot be made as asked for.
	ErrInviteBounds = errors.New("identity: invite out of bounds")
)

// Limits of an invite.
const (
	// MaxInviteText bounds the text of an invite in bytes, white space around
	// it not counted.
	MaxInviteText = 16 << 10
	// MaxHints bounds how many hints an invite carries.
	MaxHints = 16
	// MaxHint bounds one hint in bytes.
	MaxHint = 512
)

// The text of an invite is a word, one character of version, and base32. The
// version's digit 1 is no character of base32.
const (
	invitePrefix  = "kdelta"
	inviteVersion = '1'
	checksumLen   = 4
)

// Invite passes a space to another device as one string. Whoever has the
// string has the keys in it; its expiry binds honest software only. An Invite
// comes from Member.Invite or ParseInvite and is consistent; the zero Invite
// is none, and must not be passed on or joined with.
//
//	text       "kdelta1" base32(encoding, first 4 bytes of SHA-256(encoding))
//	encoding   [secret, grant, writer seed or empty, expires, [hint…]]
type Invite struct {
	secret  *hiddenSecret
	grant   Grant
	writer  WriterKey
	expires int64
	hints   []string
}

// Space returns the id of the space that the invite opens.
func (inv Invite) Space() Space { return inv.grant.Space() }

// Root returns the root public key of that space.
func (inv Invite) Root() Root { return inv.grant.Root }

// Epoch returns the epoch whose secret the invite holds.
func (inv Invite) Epoch() Epoch { return inv.grant.Epoch }

// ReadOnly reports whether the invite leaves out the writer's key.
func (inv Invite) ReadOnly() bool { return inv.writer.IsZero() }

// Expires returns when the invite ends in Unix milliseconds, 0 for never.
func (inv Invite) Expires() int64 { return inv.expires }

// Expired reports whether the invite has ended at nowMs, in Unix milliseconds.
func (inv Invite) Expired(nowMs int64) bool { return inv.expires != 0 && nowMs >= inv.expires }

// Hints returns the addresses of members and relays in the invite. They are
// the inviter's claims: nothing vouches for them. The caller owns the slice.
func (inv Invite) Hints() []string { return append([]string(nil), inv.hints...) }

// String names the space and hides the secrets; Text is the invite itself.
func (inv Invite) String() string { return "Invite(" + inv.Space().String() + ")" }

// GoString is String: %#v must not show the secrets either.
func (inv Invite) GoString() string { return inv.String() }

// Text returns the invite as one word to pass on. It is as secret as what it
// opens.
func (inv Invite) Text() string {
	b := inv.appendTo(nil)
	sum := sha256.Sum256(b)
	b = append(b, sum[:checksumLen]...)
	return invitePrefix + string(inviteVersion) + text32.EncodeToString(b)
}

func (inv Invite) appendTo(dst []byte) []byte {
	dst = canon.AppendArray(dst, 5)
	dst = canon.AppendBytes(dst, inv.secret.secret[:])
	dst = inv.grant.Append(dst)
	dst = appendSeed(dst, inv.writer.pair)
	dst = canon.AppendUint(dst, uint64(inv.expires))
	dst = canon.AppendArray(dst, len(inv.hints))
	for _, h := range inv.hints {
		dst = canon.AppendString(dst, h)
	}
	return dst
}

// ParseInvite reads the text of an invite; white space around it is fine. It
// returns ErrInviteVersion for an invite of a newer release, ErrInviteChecksum
// for one that was damaged on its way, ErrInviteMalformed for everything else
// that is not an invite whose grant its root key has signed. It does not look
// at the expiry (Expired).
func ParseInvite(text string) (Invite, error) {
	text = strings.TrimSpace(text)
	if len(text) > MaxInviteText {
		return Invite{}, inviteMalformed("longer than "+strconv.Itoa(MaxInviteText)+" bytes", nil)
	}
	b, err := inviteBytes(text)
	if err != nil {
		return Invite{}, err
	}
	inv, err := decodeInvite(b)
	if err != nil {
		return Invite{}, inviteMalformed("its content is not valid", err)
	}
	return inv, nil
}

// inviteBytes takes the envelope off: prefix, version, base32, checksum.
func inviteBytes(text string) ([]byte, error) {
	rest, ok := strings.CutPrefix(text, invitePrefix)
	if !ok || rest == "" {
		return nil, inviteMalformed("an invite is one word that begins with "+invitePrefix, nil)
	}
	version := rest[0]
	if version > inviteVersion && version <= '9' {
		return nil, &detail{kind: ErrInviteVersion, text: "version " + string(version)}
	}
	if version != inviteVersion {
		return nil, inviteMalformed("no version after "+invitePrefix, nil)
	}
	b, ok := decodeText(rest[1:])
	if !ok {
		return nil, inviteMalformed("cut short, or characters other than a-z and 2-7", nil)
	}
	if len(b) <= checksumLen {
		return nil, inviteMalformed("nothing after "+invitePrefix, nil)
	}
	b, check := b[:len(b)-checksumLen], b[len(b)-checksumLen:]
	if sum := sha256.Sum256(b); string(sum[:checksumLen]) != string(check) {
		return nil, ErrInviteChecksum
	}
	return b, nil
}

func decodeInvite(b []byte) (Invite, error) {
	d := newDecoder("invite", b)
	d.array(5)
	inv := Invite{secret: hide(d.bytes32()), grant: d.grant(), writer: d.writerKey(), expires: d.millis()}
	for range d.length(MaxHints) {
		inv.hints = append(inv.hints, d.string(MaxHint))
	}
	if err := d.end(); err != nil {
		return Invite{}, err
	}
	if err := inv.check(); err != nil {
		return Invite{}, err
	}
	return inv, FromInvite(inv).Verify()
}

// check returns ErrInviteBounds unless expiry and hints are within bounds.
// Hints get printed, so a control character has no place in one.
func (inv Invite) check() error {
	if inv.expires < 0 {
		return inviteBounds("an expiry before 1970")
	}
	if len(inv.hints) > MaxHints {
		return inviteBounds("more than " + strconv.Itoa(MaxHints) + " hints")
	}
	for _, h := range inv.hints {
		if h == "" || len(h) > MaxHint {
			return inviteBounds("a hint of " + strconv.Itoa(len(h)) + " bytes; 1 to " + strconv.Itoa(MaxHint) + " are allowed")
		}
		if !utf8.ValidString(h) || strings.ContainsFunc(h, isControl) {
			return inviteBounds("a hint that is not UTF-8 or holds a control character")
		}
	}
	return nil
}

// isControl reports whether r is of Unicode's class Cc, which never changes: a
// hint that is fine here is fine in every release.
func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }

func inviteBounds(text string) error { return &detail{kind: ErrInviteBounds, text: text} }

func inviteMalformed(text string, cause error) error {
	return &detail{kind: ErrInviteMalformed, text: text, cause: cause}
}
