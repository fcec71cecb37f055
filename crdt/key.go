package crdt

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrKey is wrapped for a key that breaks a rule of CheckKey. The error's text names the rule.
var ErrKey = errors.New("invalid key")

// MaxKey is the length of the longest key in bytes of UTF-8.
const MaxKey = 1024

// CheckKey is nil if key is NAMESPACE/NAME: at most MaxKey bytes of valid UTF-8 without control characters (U+0000 to
// U+001F, U+007F to U+009F), split at its first slash into two parts that are not empty. The name may hold more
// slashes. Otherwise the error wraps ErrKey.
func CheckKey(key string) error {
	if len(key) > MaxKey {
		return keyError(key[:32]+"…", "has "+strconv.Itoa(len(key))+" bytes; at most "+strconv.Itoa(MaxKey)+" are allowed")
	}
	slash, plain := -1, true
	for i := range len(key) {
		switch c := key[i]; {
		case c == '/' && slash < 0:
			slash = i
		case c < ' ' || c >= 0x7f:
			plain = false
		}
	}
	switch slash {
	case -1:
		return keyError(key, "has no '/' between namespace and name: write NAMESPACE/NAME")
	case 0:
		return keyError(key, "has an empty namespace before its first '/'")
	case len(key) - 1:
		return keyError(key, "has an empty name after its '/'")
	}
	if plain {
		return nil
	}
	return checkRunes(key)
}

// checkRunes is the slow path of CheckKey, for keys that are not printable ASCII throughout.
func checkRunes(key string) error {
	if !utf8.ValidString(key) {
		return keyError(key, "is not valid UTF-8")
	}
	for i, r := range key {
		if r < ' ' || r >= 0x7f && r <= 0x9f {
			return keyError(key, "has a control character (U+"+hex4(r)+") at byte "+strconv.Itoa(i))
		}
	}
	return nil
}

func hex4(r rune) string {
	digits := strings.ToUpper(strconv.FormatInt(int64(r), 16))
	return strings.Repeat("0", max(0, 4-len(digits))) + digits
}

func keyError(key, what string) error {
	return fault(ErrKey, "the key "+strconv.Quote(key)+" "+what)
}
