package identity_test

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/identity"
)

func TestInviteRoundTrip(t *testing.T) {
	m := newMember(t, 1)
	for name, inv := range map[string]identity.Invite{
		"plain":     invite(t, m, false, 0),
		"read-only": invite(t, m, true, 0),
		"full": invite(t, m, false, 1_790_000_000_000,
			"/ip4/192.168.1.7/udp/4001/quic-v1/p2p/12D3KooW", "wss://relay.example/room", "Büro"),
		"last moment": invite(t, m, true, math.MaxInt64),
	} {
		back, err := identity.ParseInvite(inv.Text())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if back.Space() != m.Space() || back.Root() != m.Root() || back.Epoch() != identity.FirstEpoch ||
			back.ReadOnly() != inv.ReadOnly() || back.Expires() != inv.Expires() || !slices.Equal(back.Hints(), inv.Hints()) {
			t.Errorf("%s: came back as another invite", name)
		}
		if back.Text() != inv.Text() {
			t.Errorf("%s: one invite, two texts", name)
		}
		if strings.Trim(inv.Text(), "abcdefghijklmnopqrstuvwxyz01234567") != "" || !strings.HasPrefix(inv.Text(), "kdelta1") {
			t.Errorf("%s: %s is not one plain word", name, inv.Text())
		}
	}
}

func TestLargestInviteIsRead(t *testing.T) {
	hints := slices.Repeat([]string{strings.Repeat("h", identity.MaxHint)}, identity.MaxHints)
	inv := invite(t, newMember(t, 1), false, math.MaxInt64, hints...)
	if back, err := identity.ParseInvite("\n\t " + inv.Text() + " \r\n"); err != nil || len(back.Hints()) != identity.MaxHints {
		t.Errorf("an invite of %d characters: %v", len(inv.Text()), err)
	}
}

func TestInviteExpires(t *testing.T) {
	m := newMember(t, 1)
	for _, c := range []struct {
		expires, now int64
		want         bool
	}{
		{0, 0, false},
		{0, math.MaxInt64, false},
		{1000, 999, false},
		{1000, 1000, true},
		{1000, 1001, true},
		{1000, -1, false},
	} {
		if got := invite(t, m, true, c.expires).Expired(c.now); got != c.want {
			t.Errorf("expires %d, now %d: Expired = %t", c.expires, c.now, got)
		}
	}
}

func TestInviteBounds(t *testing.T) {
	m := newMember(t, 1)
	for name, c := range map[string]struct {
		expires int64
		hints   []string
	}{
		"an expiry before 1970": {-1, nil},
		"too many hints":        {0, slices.Repeat([]string{"h"}, identity.MaxHints+1)},
		"a hint too long":       {0, []string{strings.Repeat("h", identity.MaxHint+1)}},
		"an empty hint":         {0, []string{"ok", ""}},
		"a hint not UTF-8":      {0, []string{"\xff"}},
		"a line break":          {0, []string{"ws://a\nb"}},
		"a terminal's escape":   {0, []string{"\x1b[2J"}},
		"a C1 control":          {0, []string{"\u009b2J"}},
	} {
		if _, err := m.Invite(true, c.expires, c.hints); !errors.Is(err, identity.ErrInviteBounds) {
			t.Errorf("%s: got error %v, want ErrInviteBounds", name, err)
		}
	}
}

// The caller's slice and the invite's are two.
func TestInviteOwnsItsHints(t *testing.T) {
	hints := []string{"first"}
	inv := invite(t, newMember(t, 1), true, 0, hints...)
	hints[0] = "changed"
	inv.Hints()[0] = "changed"
	if got := inv.Hints()[0]; got != "first" {
		t.Errorf("the hint became %q", got)
	}
}

// withChecksum appends the first 4 bytes of SHA-256 over b.
func withChecksum(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(slices.Clone(b), sum[:4]...)
}

// pack puts content into the envelope of an invite as its format says.
func pack(content []byte) string {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(withChecksum(content))
	return "kdelta1" + strings.ToLower(text)
}

// unpack is the inverse of pack.
func unpack(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text[len("kdelta1"):]))
	if err != nil {
		t.Fatal(err)
	}
	return b[:len(b)-4]
}

func TestParseInviteNamesWhatIsWrong(t *testing.T) {
	m := newMember(t, 1)
	text := invite(t, m, false, 0, "ws://a").Text()
	content := func(change func(s string) string) string { return pack([]byte(change(string(unpack(t, text))))) }
	replaced := func(old, new string) string {
		return content(func(s string) string {
			if strings.Count(s, old) != 1 {
				t.Fatalf("the content has %q %d times", old, strings.Count(s, old))
			}
			return strings.Replace(s, old, new, 1)
		})
	}
	writer, stranger := fill(2), fill(50)
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"nothing", "", identity.ErrInviteMalformed},
		{"white space", " \n", identity.ErrInviteMalformed},
		{"another word", "hello", identity.ErrInviteMalformed},
		{"the prefix", "kdelta", identity.ErrInviteMalformed},
		{"the prefix and version", "kdelta1", identity.ErrInviteMalformed},
		{"no version", "kdelta" + text[7:], identity.ErrInviteMalformed},
		{"a version that never was", "kdelta0" + text[7:], identity.ErrInviteMalformed},
		{"the next version", "kdelta2" + text[7:], identity.ErrInviteVersion},
		{"a version whose rest is unknown", "kdelta9!", identity.ErrInviteVersion},
		{"upper case", strings.ToUpper(text), identity.ErrInviteMalformed},
		{"the last character cut", text[:len(text)-1], identity.ErrInviteMalformed},
		{"the last 8 characters cut", text[:len(text)-8], identity.ErrInviteChecksum},
		{"two characters swapped", text[:20] + text[21:22] + text[20:21] + text[22:], identity.ErrInviteChecksum},
		{"a line break within", text[:40] + "\n" + text[40:], identity.ErrInviteMalformed},
		{"a checksum of nothing", pack(nil), identity.ErrInviteMalformed},
		{"too long", text + strings.Repeat("a", identity.MaxInviteText), identity.ErrInviteMalformed},
		{"an item less", content(func(s string) string { return "\x94" + s[1:len(s)-8] }), identity.ErrInviteMalformed},
		{"a byte after the end", content(func(s string) string { return s + "\x00" }), identity.ErrInviteMalformed},
		{"another writer's key", replaced(string(writer[:]), string(stranger[:])), identity.ErrInviteMalformed},
		{"a hint with a control character", replaced("ws://a", "ws:\x1b/a"), identity.ErrInviteMalformed},
		{"an empty hint", replaced("\xa6ws://a", "\xa0"), identity.ErrInviteMalformed},
		{"a hint in a long form", replaced("\xa6ws://a", "\xd9\x06ws://a"), identity.ErrInviteMalformed},
		{"hints that are missing", replaced("\x91\xa6ws://a", "\x92\xa6ws://a"), identity.ErrInviteMalformed},
		{"more hints than allowed", replaced("\x91\xa6ws://a", "\xdc\x00\x11"+strings.Repeat("\xa1a", 17)), identity.ErrInviteMalformed},
		{"a hint too long", replaced("\xa6ws://a", "\xda\x02\x01"+strings.Repeat("a", 513)), identity.ErrInviteMalformed},
		{"an expiry beyond 63 bits", replaced("\x00\x91\xa6ws://a", "\xcf\x80\x00\x00\x00\x00\x00\x00\x00\x91\xa6ws://a"), identity.ErrInviteMalformed},
	} {
		inv, err := identity.ParseInvite(c.text)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got error %v, want %v", c.name, err, c.want)
		}
		for _, other := range []error{identity.ErrInviteMalformed, identity.ErrInviteChecksum, identity.ErrInviteVersion} {
			if other != c.want && errors.Is(err, other) {
				t.Errorf("%s: the error is also %v", c.name, other)
			}
		}
		if inv.Hints() != nil || !inv.ReadOnly() {
			t.Errorf("%s: an invite beside the error", c.name)
		}
	}
}

// One character typed wrong is never another invite.
func TestInviteNoticesTypingErrors(t *testing.T) {
	text := invite(t, newMember(t, 1), false, 0, "ws://a").Text()
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		char := rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz234567")).Filter(func(c byte) bool { return c != text[at] }).Draw(t, "char")
		if _, err := identity.ParseInvite(text[:at] + string(char) + text[at+1:]); err == nil {
			t.Fatalf("character %d as %q was not noticed", at, char)
		}
	})
}
