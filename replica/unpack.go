package replica

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
)

// unpacked is a pack that came, as far as it can be judged before its turn to write: its versions are decoded and hashed,
// those that are invalid by themselves are refused, their ops are read, and its proofs are checked. That is half of the work
// and needs no transaction.
type unpacked struct {
	pack []byte
	// begun names the row that keeps the pack since it has begun to be applied; empty where none does.
	begun   string
	decoder pack.Decoder
	proved
	versions []history.Version
	ops      packOps
	judgement
	// erases is true where a version erases something, stripped where something was erased of one.
	erases, stripped bool
	// bytes is about how much room the versions take, most how much they may, 0 for any.
	bytes, most int
	// sofar is what became of the versions in commits that are durable, looked that there was one.
	sofar  slice
	looked bool
	// wanted holds the ids of versions whose places will be asked for: sealed ones, and parents other than the version before
	// them in the pack.
	wanted map[history.ID]bool
	// refused are the ids of versions of the pack that no replica will take, refusals says why; the first unfit of these are of what
	// is invalid by itself.
	refused  map[history.ID]bool
	refusals []protocol.Refusal
	unfit    int
}

// unpack reads a pack that came. Whoever has applied it releases it.
func (r *Replica) unpack(ctx context.Context, b []byte) (*unpacked, error) {
	u, _ := unpackers.Get().(*unpacked)
	u.most = maxUnpacked
	var unproved proofs
	err := r.view(ctx, func(s *snap) (err error) {
		unproved, err = u.open(s, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	u.read(&unproved)
	return u, nil
}

// open begins to read a pack, and returns the proofs in it that are new here. One that is unreadable has none, and is refused
// as a whole.
func (u *unpacked) open(s *snap, b []byte) (proofs, error) {
	if s.space == (identity.Space{}) {
		return proofs{}, errors.New("replica: a pack for a database that belongs to no space")
	}
	u.pack, u.decoder.Keep = b, true
	if u.decoder.Reset(s.space, b) != nil {
		return proofs{}, nil // read says it again
	}
	u.versions = slices.Grow(u.versions, u.decoder.Len())
	u.ops.reserve(u.decoder.Len())
	return s.proofsIn(u.decoder.Header())
}

// read decodes the versions and refuses those that are invalid by themselves. The proofs are checked meanwhile.
func (u *unpacked) read(unproved *proofs) {
	checked := make(chan proved, 1)
	go func() { checked <- unproved.check() }()
	u.wanted = make(map[history.ID]bool, len(unproved.seals))
	u.decode()
	u.unfit = len(u.refusals)
	u.proved = <-checked
	for id := range u.sealed {
		u.wanted[id] = true
	}
}

func (u *unpacked) decode() {
	for {
		v, err := u.decoder.Next()
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, pack.ErrPack):
			u.refuse(&history.Version{}, err)
			return
		case err != nil && !errors.Is(err, history.ErrContent): // bad content is no verdict on the version
			u.refuse(v, err)
		default:
			if u.keep(v); u.most > 0 && u.bytes > u.most {
				u.refuse(&history.Version{}, errUnfolds)
				return
			}
		}
	}
}

// maxUnpacked is how many bytes the versions of a pack take at most; what is behind them is refused. It is more than a feed puts into
// a pack. A peer can let a small one unfold to much more, which one seal vouches for: whoever took that would hand it on in many packs, which
// have to come together where they go, in the room for what waits.
const maxUnpacked = maxPendingBytes / 4

var errUnfolds = errors.New("a pack of more than 4 MiB of versions: what is behind these is left out")

// keep keeps a version, of which all but the payload and what points to it is the decoder's until it reads the next.
func (u *unpacked) keep(v *history.Version) {
	u.versions = append(u.versions, *v)
	kept := &u.versions[len(u.versions)-1]
	kept.Deps, kept.Contents = slices.Clone(v.Deps), slices.Clone(v.Contents)
	u.bytes += stagedSize(kept)
	u.addOps(u.decoder.Ops())
}

// addOps adds the ops of the version that was added last, and notes what will be asked for because of it.
func (u *unpacked) addOps(ops []history.Op) {
	u.ops.add(ops)
	i := u.ops.len() - 1
	u.erases = u.erases || erases(u.ops.of(i))
	u.want(i)
}

// want notes which others will be asked for by the version i.
func (u *unpacked) want(i int) {
	v := &u.versions[i]
	if i == 0 || u.versions[i-1].ID != v.Prev {
		u.wanted[v.Prev] = true
	}
	for d := range v.Deps {
		u.wanted[v.Deps[d].ID] = true
	}
}

// refuse notes that no replica will take a version.
func (u *unpacked) refuse(v *history.Version, err error) {
	if !v.ID.IsZero() {
		if u.refused == nil {
			u.refused = make(map[history.ID]bool)
		}
		u.refused[v.ID] = true
	}
	u.refusals = append(u.refusals, protocol.Refusal{Author: v.Author, Seq: v.Seq, ID: v.ID, Text: err.Error()})
}

// unpackers lend the memory of packs that were applied to those that come next.
var unpackers = sync.Pool{New: func() any { return new(unpacked) }}

// release gives back what nothing points to any more: the commit that the pack was applied in is over.
func (u *unpacked) release() {
	*u = unpacked{
		decoder:  u.decoder,
		versions: emptied(u.versions), ops: u.ops.emptied(), judgement: judgement{fates: u.fates, vouchers: u.vouchers},
	}
	unpackers.Put(u)
}
