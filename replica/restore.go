package replica

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// Errors of Restore, beside ErrUsed.
var (
	// ErrBackup: what was read is no backup, or not a whole one, or it was changed; the text says where. Nothing was
	// restored.
	ErrBackup = errors.New("not a sound backup; nothing was restored")
	// ErrBackupNewer: a newer kdelta wrote the backup. Update kdelta to restore it.
	ErrBackupNewer = errors.New("the backup was written by a newer kdelta; update kdelta to restore it")
	// ErrBackupKeys: the backup was made without keys, and the store belongs to no space. Join the backup's space with
	// an invite, then restore.
	ErrBackupKeys = errors.New("the backup holds no keys; join its space with an invite first, then restore")
)

// Restore reads what Backup wrote into an empty store and opens a replica on it. The store must hold no versions
// (ErrUsed); for a backup without keys it must have joined the backup's space. All is checked as if it came from a peer:
// ids, parents, certificates, and signatures where the database had them. The state must come to what the header says.
//
// All of it is one transaction of the store: on any error the store is as it was. The first write mints an author of its
// own, so the restored database and the one that was backed up can both go on, and sync. progress may be nil; it hears of
// dots.
func Restore(ctx context.Context, st store.Store, rd io.Reader, opts Options,
	progress func(done, total uint64),
) (*Replica, BackupReport, error) {
	r, err := Open(ctx, st, opts)
	if err != nil {
		return nil, BackupReport{}, err
	}
	in := &backupReader{r: rd, sum: sha256.New(), progress: progress}
	err = r.write(ctx, func(c *commit) error { return c.fail(c.restore(in)) })
	if err != nil {
		return nil, BackupReport{}, err
	}
	return r, BackupReport{Versions: int(in.head.versions), Bytes: in.n, Keys: in.head.keys}, nil
}

// restore reads a backup into this commit.
func (c *commit) restore(in *backupReader) error {
	if c.tip.versions > 0 {
		return ErrUsed
	}
	if err := in.start(); err != nil {
		return err
	}
	if err := c.restoreMember(in); err != nil {
		return err
	}
	c.trusting = true
	defer func() { c.trusting = false }()
	for {
		kind, body, err := in.frame()
		if err != nil {
			return err
		}
		if kind == frameTrailer {
			if err := in.end(body); err != nil {
				return err
			}
			break
		}
		switch kind {
		case framePack:
			err = c.restorePack(in, body)
		case frameBegun: // judged when it is applied, as where it was kept
			err = putMeta(c.tx, begunName(body), body)
		default:
			err = in.damaged("a frame of kind %d where versions were due", kind)
		}
		if err != nil {
			return err
		}
	}
	if err := c.writeDocs(); err != nil {
		return err
	}
	held := c.snap().heldNow()
	switch h := &in.head; {
	case c.tip.versions != h.versions || held.Tips != h.tips:
		return in.damaged("its versions are not those that its header counts")
	case held.State != h.state:
		return in.damaged("its versions come to another state than its header says")
	}
	c.wrote = true
	return nil
}

// restoreMember brings the store into the backup's space.
func (c *commit) restoreMember(in *backupReader) error {
	if !in.head.keys {
		switch {
		case c.member.IsZero():
			return ErrBackupKeys
		case c.member.Space() != in.head.space:
			return fmt.Errorf("%w (this store: space %s, the backup: space %s)", ErrUsed,
				short(c.member.Space()), short(in.head.space))
		}
		return nil
	}
	kind, body, err := in.frame()
	if err != nil {
		return err
	}
	m, err := identity.DecodeMember(body)
	if kind != frameMember || err != nil || m.Space() != in.head.space {
		return in.damaged("its keys are not those of its space")
	}
	return c.join(m)
}

// restorePack applies a frame of versions: all of it, or it is an error.
func (c *commit) restorePack(in *backupReader, body []byte) error {
	u := new(unpacked)
	unproved, err := u.open(c.snap(), body)
	if err != nil {
		return err
	}
	u.read(&unproved)
	for _, seal := range unproved.seals {
		if u.sealed[seal.ID] != seal {
			return in.damaged("the seal over %s is not its author's", nameOf(seal.Author, seal.Seq))
		}
	}
	done, err := c.applyUnpacked(u, 0, true)
	if err != nil {
		return err
	}
	applied := &done.applied
	switch {
	case len(applied.Refused) > 0:
		return in.damaged("%s", applied.Refused[0].Text)
	case applied.Pending > 0 || applied.Duplicates > 0:
		return in.damaged("versions that do not follow each other")
	}
	if in.progress != nil {
		in.progress(min(uint64(c.tip.next)-1, in.head.dots), in.head.dots)
	}
	return c.closeRun()
}

// backupReader reads the frames of a backup.
type backupReader struct {
	r        io.Reader
	sum      hash.Hash
	n        int64
	frames   uint64
	head     backupHead
	progress func(done, total uint64)
}

// damaged is ErrBackup with what is wrong and where.
func (in *backupReader) damaged(format string, args ...any) error {
	return fmt.Errorf("%w: before byte %d: %s", ErrBackup, in.n, fmt.Sprintf(format, args...))
}

// read fills p. What ends too early is a damaged backup; other trouble is the reader's.
func (in *backupReader) read(p []byte) error {
	n, err := io.ReadFull(in.r, p)
	in.n += int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return in.damaged("it is cut off")
	}
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	return nil
}

func (in *backupReader) start() error {
	var first [len(backupMagic) + 1]byte
	if err := in.read(first[:]); err != nil {
		return err
	}
	in.sum.Write(first[:])
	if string(first[:len(backupMagic)]) != backupMagic {
		return in.damaged("it does not begin as one")
	}
	if v := first[len(backupMagic)]; v != backupVersion {
		return fmt.Errorf("%w (format %d, this kdelta reads %d)", ErrBackupNewer, v, backupVersion)
	}
	kind, body, err := in.frame()
	if err != nil {
		return err
	}
	if in.head, err = decodeBackupHead(body); err != nil || kind != frameHeader {
		return in.damaged("the header cannot be read")
	}
	return nil
}

// frame reads the next frame. A trailer is not part of the sum that it holds.
func (in *backupReader) frame() (kind byte, body []byte, err error) {
	var head [5]byte
	if err := in.read(head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxBackupFrame {
		return 0, nil, in.damaged("a frame of %d bytes, where %d are allowed", size, maxBackupFrame)
	}
	b := make([]byte, int(size)+crc32.Size)
	if err := in.read(b); err != nil {
		return 0, nil, err
	}
	body, tail := b[:size:size], b[size:]
	if crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, body) != binary.BigEndian.Uint32(tail) {
		return 0, nil, in.damaged("the checksum of a frame does not match")
	}
	if head[0] == frameTrailer {
		return head[0], body, nil
	}
	in.sum.Write(head[:])
	in.sum.Write(b)
	if head[0] == framePack {
		in.frames++
	}
	return head[0], body, nil
}

// end checks the trailer, and that nothing is behind it.
func (in *backupReader) end(body []byte) error {
	r := canon.NewReader(body)
	n, _ := r.Array()
	frames, _ := r.Uint()
	sum, err := r.Bytes32()
	if err = errors.Join(err, r.End()); err != nil || n != 2 || frames != in.frames || sum != [32]byte(in.sum.Sum(nil)) {
		return in.damaged("the trailer does not fit what stands before it")
	}
	var more [1]byte
	switch k, err := io.ReadFull(in.r, more[:]); {
	case k > 0:
		return in.damaged("something stands behind its end")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("reading the backup: %w", err)
	}
	return nil
}
