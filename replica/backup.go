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

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// A backup is a stream of packs, which are compressed.
//
//	backup   "kdelta backup\n", version byte 0, frame, …
//	frame    kind (1 byte), length of the body (4 bytes, big endian), body, CRC-32C of kind, length and body
//	kind 1   header: [space, authors, versions, dots, wall ms, with keys, tips digest, state digest]; first
//	kind 2   member: identity.Member, where the header says "with keys"; second
//	kind 3   pack: as package history/pack has it, with seals and certificates; in an order in which parents come first
//	kind 5   begun: a pack of which the frames before hold a part; behind the packs, where there is one
//	kind 4   trailer: [packs, SHA-256 of all that stands before this frame]; last, and nothing behind it
//
// Bodies are canonical MessagePack. A pack stands for about half a MiB of versions.
const (
	backupMagic   = "kdelta backup\n"
	backupVersion = 0

	frameHeader  = 1
	frameMember  = 2
	framePack    = 3
	frameTrailer = 4
	frameBegun   = 5

	// maxBackupFrame bounds a frame's body, as that of a frame on the wire is bounded.
	maxBackupFrame = protocol.MaxFrame
)

// BackupOptions say how a backup is made.
type BackupOptions struct {
	// NoKeys leaves the keys of the space out: who restores has to have joined the space first.
	NoKeys bool
	// Progress hears how many dots are written, of how many; it may be nil.
	Progress func(done, total uint64)
}

// BackupReport says what a backup holds.
type BackupReport struct {
	Versions int
	// Bytes is the size of the backup as it was written or read here.
	Bytes int64
	// Keys: whoever has the backup is a member of the space.
	Keys bool
}

// backupHead is the header of a backup.
type backupHead struct {
	space    identity.Space
	authors  uint64
	versions uint64
	dots     uint64
	created  uint64
	keys     bool
	tips     [32]byte
	state    [32]byte
}

const backupHeadItems = 8

func (h *backupHead) append(b []byte) []byte {
	b = canon.AppendArray(b, backupHeadItems)
	b = canon.AppendBytes(b, h.space[:])
	b = canon.AppendUint(b, h.authors)
	b = canon.AppendUint(b, h.versions)
	b = canon.AppendUint(b, h.dots)
	b = canon.AppendUint(b, h.created)
	b = canon.AppendBool(b, h.keys)
	b = canon.AppendBytes(b, h.tips[:])
	return canon.AppendBytes(b, h.state[:])
}

func decodeBackupHead(b []byte) (backupHead, error) {
	var h backupHead
	r := canon.NewReader(b)
	n, _ := r.Array()
	h.space, _ = r.Bytes32()
	h.authors, _ = r.Uint()
	h.versions, _ = r.Uint()
	h.dots, _ = r.Uint()
	h.created, _ = r.Uint()
	h.keys, _ = r.Bool()
	h.tips, _ = r.Bytes32()
	h.state, _ = r.Bytes32()
	err := r.End()
	if err == nil && (n != backupHeadItems || h.versions > h.dots || h.dots > store.MaxInt) {
		err = errShape
	}
	return h, err
}

// errShape: canonical bytes that are not what the format says.
var errShape = errors.New("an item of another shape")

// Backup writes all versions of this database to w, with the signatures that prove them and, unless the options say
// otherwise, the keys of the space: then the backup is a secret as the database is. It is of one moment, may run while
// others write, and takes little memory. What is not in it: the author key (what is restored writes as an author of its
// own), remembered remotes and peers, notes, and what waits for its parents. ErrNoSpace where there is nothing yet.
func (r *Replica) Backup(ctx context.Context, w io.Writer, o BackupOptions) (BackupReport, error) {
	for {
		err := r.handOutAll(ctx)
		// Who may only read cannot write anything again either. On a full disk a backup elsewhere is worth more than the mark, which
		// a copy of this file would need alone.
		unmarked := errors.Is(err, store.ErrReadOnly) || errors.Is(err, store.ErrFull)
		if err != nil && !unmarked {
			return BackupReport{}, err
		}
		rep, err := r.backup(ctx, w, o, unmarked)
		if !errors.Is(err, errUnmarked) {
			return rep, err
		}
	}
}

// errUnmarked: a write came between the mark that all has left and the snapshot.
var errUnmarked = errors.New("replica: versions that are not marked as handed out")

// handOutAll makes durable that all that is here leaves the device.
func (r *Replica) handOutAll(ctx context.Context) error {
	if err := r.finishBegun(ctx); err != nil {
		return err
	}
	err := r.writeUser(ctx, func(c *commit) error {
		if c.author.key.IsZero() {
			return nil
		}
		return c.handOut(c.author.key.Author(), c.tip.own.seq)
	})
	if err != nil {
		return err
	}
	return r.tellBeside(ctx)
}

// backup writes what one snapshot holds, once all of it is marked as handed out.
func (r *Replica) backup(ctx context.Context, w io.Writer, o BackupOptions, unmarked bool) (BackupReport, error) {
	out := &backupWriter{w: w, sum: sha256.New()}
	var rep BackupReport
	err := r.view(ctx, func(s *snap) error {
		if handed, err := readHanded(s.tx); err != nil || !unmarked && handed < s.tip.own.seq {
			return errors.Join(err, errUnmarked)
		}
		if s.space == (identity.Space{}) {
			return ErrNoSpace
		}
		m, err := r.snapshot(s.tx)
		if err != nil {
			return err
		}
		held := s.heldNow()
		h := backupHead{
			space: s.space, authors: uint64(len(s.byAuthor)), versions: s.tip.versions, dots: uint64(s.tip.next) - 1,
			created: uint64(max(r.wall.Now(), 0)), keys: !o.NoKeys, tips: held.Tips, state: held.State,
		}
		rep = BackupReport{Versions: int(h.versions), Keys: h.keys}
		if err := out.start(&h); err != nil {
			return err
		}
		if h.keys {
			if err := out.frame(frameMember, m.member.Append(nil)); err != nil {
				return err
			}
		}
		if err := out.packs(ctx, r, s, o.Progress); err != nil {
			return err
		}
		return s.eachBegun(func(_ string, pack []byte) error {
			if len(pack) == 0 {
				return nil // damaged: whoever may write to the database drops it
			}
			return out.frame(frameBegun, pack)
		})
	})
	if err == nil {
		err = out.end()
	}
	rep.Bytes = out.n
	return rep, err
}

// backupWriter frames a backup.
type backupWriter struct {
	w      io.Writer
	sum    hash.Hash
	n      int64
	frames uint64
	buf    []byte
}

func (b *backupWriter) write(p []byte) error {
	b.sum.Write(p)
	n, err := b.w.Write(p)
	b.n += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

func (b *backupWriter) start(h *backupHead) error {
	if err := b.write(append([]byte(backupMagic), backupVersion)); err != nil {
		return err
	}
	return b.frame(frameHeader, h.append(nil))
}

func (b *backupWriter) frame(kind byte, body []byte) error {
	if len(body) > maxBackupFrame {
		return fmt.Errorf("replica: a backup frame of %d bytes", len(body))
	}
	b.buf = append(b.buf[:0], kind)
	b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(len(body)))
	b.buf = append(b.buf, body...)
	b.buf = binary.BigEndian.AppendUint32(b.buf, crc32.Checksum(b.buf, castagnoli))
	return b.write(b.buf)
}

// packs writes all versions that the snapshot holds. Those that this database wrote are sealed on the way.
func (b *backupWriter) packs(ctx context.Context, r *Replica, s *snap, progress func(done, total uint64)) error {
	keys, err := s.ownKeys()
	if err != nil {
		return err
	}
	total := uint64(s.tip.next) - 1
	f := &feed{l: &local{ctx: ctx, r: r}, keys: keys, gather: &gatherer{lists: true}}
	if total > 0 {
		f.ranges = []history.Range{{From: 1, To: history.LV(total)}}
	}
	for len(f.ranges) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		tips, proofs, err := f.nextProved(s)
		if err == nil {
			err = s.keptSeals(f.gather.listed, &proofs)
		}
		if err != nil {
			return err
		}
		packed, err := f.gather.encode(proofs)
		if err != nil {
			return err
		}
		f.l.seen.clock = f.l.seen.clock.Join(entriesOf(tips))
		b.frames++
		if err := b.frame(framePack, packed); err != nil {
			return err
		}
		if progress != nil {
			progress(uint64(max(f.next, 1))-1, total)
		}
	}
	return nil
}

// maxKeptSeals bounds the seals of a frame beside those of the last versions in it.
const maxKeptSeals = 2048

// keptSeals adds the seals that came with versions in the middle of a pack: where the last version of an author has none,
// these are all that prove something.
func (s *snap) keptSeals(versions []history.Ref, proofs *pack.Options) error {
	type stretch struct{ from, to uint64 }
	stretches := make(map[identity.Author]stretch)
	ids := make(map[history.Ref]bool, len(versions))
	for _, v := range versions {
		at, ok := stretches[v.Author]
		if !ok {
			at = stretch{v.Seq, v.Seq}
		}
		stretches[v.Author] = stretch{min(at.from, v.Seq), max(at.to, v.Seq)}
		ids[v] = true
	}
	for _, seal := range proofs.Seals {
		ids[history.Ref{Author: seal.Author, Seq: seal.Seq, ID: seal.ID}] = false // it has its seal
	}
	for author, at := range stretches {
		for _, line := range s.byAuthor[author] {
			r := store.Range{From: sealKey(line, at.from), To: sealKey(line, at.to+1)}
			for row, err := range s.tx.Scan(store.Seals, r) {
				if err != nil || len(proofs.Seals) > maxKeptSeals {
					return err
				}
				seal, ok := sealIn(author, row)
				if ok && ids[history.Ref{Author: author, Seq: seal.Seq, ID: seal.ID}] {
					proofs.Seals = append(proofs.Seals, seal)
				}
			}
		}
	}
	return nil
}

func (b *backupWriter) end() error {
	body := canon.AppendArray(nil, 2)
	body = canon.AppendUint(body, b.frames)
	body = canon.AppendBytes(body, b.sum.Sum(nil))
	return b.frame(frameTrailer, body)
}
