package identity

import (
	"crypto/sha256"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
)

// ErrInstance says that the bytes of an instance are damaged or out of bounds.
// A database whose sidecar gives it is judged as one without a sidecar.
var ErrInstance = errors.New("identity: not an instance record")

// MaxInstanceText bounds Instance.File and Instance.Boot in bytes each.
const MaxInstanceText = 256

// instanceFormat is the first field of an instance; a later format counts up.
const instanceFormat = 0

// Instance is what one database instance remembers of itself, once inside the
// database and once in the sidecar beside it. The two say the same as long as
// both belong together; see Judge.
//
//	bytes      encoding, first 4 bytes of SHA-256(encoding)
//	encoding   [0, nonce, file, opens, boot, clean, author, handedOut]
type Instance struct {
	// Nonce is drawn when an author is minted and stays with it.
	Nonce [16]byte
	// File identifies the database file while it stays in its place, as text
	// that a copy does not share: device and inode where there are any. At
	// most MaxInstanceText bytes of UTF-8.
	File string
	// Opens counts how often the database was opened.
	Opens uint64
	// Boot identifies the run of the operating system at the last open, ""
	// where none can be told. At most MaxInstanceText bytes of UTF-8.
	Boot string
	// Clean is true from the last close to the next open.
	Clean bool
	// Author writes for this instance.
	Author Author
	// HandedOut is the newest own seq that may have left the device. It is
	// raised durably before the first byte leaves.
	HandedOut uint64
}

// Append appends the bytes of i, at most 595. ErrInstance if File or Boot is
// out of bounds.
func (i Instance) Append(dst []byte) ([]byte, error) {
	if !instanceText(i.File) || !instanceText(i.Boot) {
		return dst, &detail{kind: ErrInstance, text: "File and Boot are UTF-8 of " + strconv.Itoa(MaxInstanceText) + " bytes at most"}
	}
	start := len(dst)
	dst = canon.AppendArray(dst, 8)
	dst = canon.AppendUint(dst, instanceFormat)
	dst = canon.AppendBytes(dst, i.Nonce[:])
	dst = canon.AppendString(dst, i.File)
	dst = canon.AppendUint(dst, i.Opens)
	dst = canon.AppendString(dst, i.Boot)
	dst = canon.AppendBool(dst, i.Clean)
	dst = canon.AppendBytes(dst, i.Author[:])
	dst = canon.AppendUint(dst, i.HandedOut)
	sum := sha256.Sum256(dst[start:])
	return append(dst, sum[:checksumLen]...), nil
}

func instanceText(s string) bool { return len(s) <= MaxInstanceText && utf8.ValidString(s) }

// DecodeInstance is the strict inverse of Append: all of b, or ErrInstance
// for bytes that are torn, damaged or of another format.
func DecodeInstance(b []byte) (Instance, error) {
	if len(b) <= checksumLen {
		return Instance{}, &detail{kind: ErrInstance, text: strconv.Itoa(len(b)) + " bytes are too few"}
	}
	b, check := b[:len(b)-checksumLen], b[len(b)-checksumLen:]
	if sum := sha256.Sum256(b); string(sum[:checksumLen]) != string(check) {
		return Instance{}, &detail{kind: ErrInstance, text: "the checksum does not match"}
	}
	d := newDecoder("instance", b)
	d.array(8)
	if d.uint() != instanceFormat {
		d.refuse("a format that this release does not know")
	}
	var i Instance
	d.fixed(i.Nonce[:])
	i.File, i.Opens, i.Boot = d.string(MaxInstanceText), d.uint(), d.string(MaxInstanceText)
	i.Clean, i.Author, i.HandedOut = d.bool(), d.bytes32(), d.uint()
	if err := d.end(); err != nil {
		return Instance{}, &detail{kind: ErrInstance, text: "its content is not valid", cause: err}
	}
	return i, nil
}
