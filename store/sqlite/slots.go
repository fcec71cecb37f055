package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A file of slots keeps a few bytes that change often. Each write goes over the older of its two slots, so a write that is cut
// leaves the newer one, and the file system has nothing to write but the bytes themselves: a file of another name that is
// renamed takes five times as long.
//
//	file      slot, slot
//	slot      number, length, bytes, checksum over all before; the rest is zero
//	number    8 bytes, counts the writes: the slot with the greater one is the newer
//	length    2 bytes
//	checksum  first 8 bytes of SHA-256
const (
	slotSize  = 4096 // of a page, so that no write touches the other slot
	slotHead  = 8 + 2
	slotSum   = 8
	slotBytes = slotSize - slotHead - slotSum
)

// slot is one of the two, as it was read. Number 0 is none.
type slot struct {
	number uint64
	bytes  []byte
}

// appendTo appends the slot at its full size.
func (s slot) appendTo(dst []byte) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, s.number)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s.bytes)))
	dst = append(dst, s.bytes...)
	sum := sha256.Sum256(dst[start:])
	dst = append(dst, sum[:slotSum]...)
	return append(dst, make([]byte, start+slotSize-len(dst))...)
}

// readSlot reads what stands in one place; torn or foreign bytes are no slot.
func readSlot(b []byte) slot {
	n := slotHead + int(binary.BigEndian.Uint16(b[8:]))
	if n > slotSize-slotSum {
		return slot{}
	}
	if sum := sha256.Sum256(b[:n]); !bytes.Equal(sum[:slotSum], b[n:n+slotSum]) {
		return slot{}
	}
	return slot{binary.BigEndian.Uint64(b), b[slotHead:n]}
}

// newestSlot finds the newer slot of a file's bytes, and where it stands; false: it is no file of slots.
func newestSlot(file []byte) (newest slot, at int64, ok bool) {
	if len(file) != 2*slotSize {
		return slot{}, 0, false
	}
	first, second := readSlot(file[:slotSize]), readSlot(file[slotSize:])
	if second.number > first.number {
		return second, slotSize, true
	}
	return first, 0, first.number > 0
}

// firstSlots is a file of slots that has been written once.
func firstSlots(b []byte) []byte {
	return append(slot{1, b}.appendTo(make([]byte, 0, 2*slotSize)), make([]byte, slotSize)...)
}

// errNoSlots says that a file is not one of slots.
var errNoSlots = errors.New("not a file of slots")

// overwriteSlot writes the older slot of a file and brings it to the disk.
func overwriteSlot(path string, b []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	file, err := io.ReadAll(io.LimitReader(f, 2*slotSize+1))
	if err != nil {
		return err
	}
	newest, at, ok := newestSlot(file)
	if !ok {
		return errNoSlots
	}
	if _, err := f.WriteAt(slot{newest.number + 1, b}.appendTo(nil), slotSize-at); err != nil {
		return err
	}
	return syncBytes(f)
}

// checkSlot bounds what a slot holds.
func checkSlot(b []byte) error {
	if len(b) > slotBytes {
		return fmt.Errorf("a sidecar of %d bytes, the limit is %d", len(b), slotBytes)
	}
	return nil
}
