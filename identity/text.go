package identity

import (
	"encoding/base32"
	"errors"
)

// ErrText says that a text is not the base32 form of a key or space id:
// exactly 52 characters of a-z2-7. ParseAuthor and ParseSpace return it; copy
// the whole id again.
var ErrText = errors.New("identity: not an id in base32 form (52 characters, a-z and 2-7); copy the whole of it")

// textLen is the length of 32 bytes in unpadded base32.
const textLen = 52

// text32 is RFC 4648 base32 in lower case without padding: no character of it
// needs quoting in a shell, a URL or a file name, and a double click selects
// the whole word.
var text32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// parse32 is the strict inverse of text32.EncodeToString for 32 bytes. The
// decoder of the standard library skips line breaks and ignores the bits that
// pad the last character; one id has one text here, so both are refused.
func parse32(s string) (out [32]byte, err error) {
	if len(s) != textLen {
		return out, ErrText
	}
	b, ok := decodeText(s)
	if !ok || len(b) != len(out) {
		return out, ErrText
	}
	copy(out[:], b)
	return out, nil
}

// decodeText decodes base32 text of any length and reports false unless it is
// the one text that encodes the result.
func decodeText(s string) ([]byte, bool) {
	b, err := text32.DecodeString(s)
	if err != nil || text32.EncodeToString(b) != s {
		return nil, false
	}
	return b, true
}
