package replica

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// VerifyReport says what Verify found.
type VerifyReport struct {
	// Versions counts those that were read, Keys the visible ones outside of kdelta's own namespaces.
	Versions, Keys int
	// Damage names what is damaged, in the order in which it was found; empty if nothing is.
	Damage []string
}

// maxDamage bounds a report: a database that is damaged all over is not worth listing.
const maxDamage = 100

// Verify reads the whole database and proves it, from the versions up, believing nothing that can be computed:
//
//  1. the file, where the store can check itself;
//  2. every version: it is hashed again, its parents are here and older, its author is certified, kept seals are its
//     author's;
//  3. the graph, the tips, the heads: built again from the versions;
//  4. what was erased: each proof is its author's, no content is left that one names, and no other is missing;
//  5. every key: folded again from its versions, and compared byte for byte with its row, its conflicts, its
//     checkpoints, its log and its share of the state digest.
//
// What waits and what is remembered of peers has nothing to be compared with; it is decoded. Damage is reported, not
// returned as an error; only trouble in reading is. Where the history itself is damaged, keys are decoded and not
// folded. The report is about one snapshot, and writers are not kept waiting. progress may be nil; it hears of steps done
// and steps due. Memory is bounded: keys are folded in groups of a fixed size, each in one reading of the history.
func (r *Replica) Verify(ctx context.Context, progress func(done, total uint64)) (VerifyReport, error) {
	if r.isClosed() {
		return VerifyReport{}, ErrClosed
	}
	v := &verifier{
		ctx: ctx, progress: progress,
		// Caches of its own: what this replica has in memory may be sound where the database no longer is.
		r: &Replica{st: r.st, wall: r.wall, rand: r.rand, log: r.log, registry: r.registry},
	}
	if self, ok := r.st.(interface{ Check(context.Context) error }); ok {
		if err := v.found(self.Check(ctx)); err != nil {
			return v.report, err
		}
	}
	err := r.st.View(ctx, v.run)
	if v.unlisted > 0 {
		v.report.Damage = append(v.report.Damage, fmt.Sprintf("… and %d more", v.unlisted))
	}
	return v.report, err
}

// verifier is one run of Verify.
type verifier struct {
	ctx      context.Context
	r        *Replica
	s        *snap
	m        *mem
	report   VerifyReport
	unlisted int

	progress    func(done, total uint64)
	done, total uint64

	// g is the graph that the versions make, tips the newest version of each of its lines.
	g     *history.Graph
	tips  map[history.Line]head
	spans int
	// broken is true once the versions make no whole graph.
	broken bool
	reader rowReader
	doubts doubts

	// strategies are the names in the settings records, as folded here; digest is the state digest.
	strategies map[string]string
	digest     digest
}

// damage notes something that is not as it was written.
func (v *verifier) damage(format string, args ...any) {
	if len(v.report.Damage) == maxDamage {
		v.unlisted++
		return
	}
	v.report.Damage = append(v.report.Damage, fmt.Sprintf(format, args...))
}

// found notes an error that tells of damage and returns any other.
func (v *verifier) found(err error) error {
	for _, kind := range []error{
		store.ErrCorrupt, history.ErrRun, history.ErrInvalid, history.ErrContent, history.ErrGraph, history.ErrPending,
		crdt.ErrState, crdt.ErrLookup, crdt.ErrOp, identity.ErrInstance, canon.ErrMalformed,
	} {
		if errors.Is(err, kind) {
			v.damage("%s", err)
			return nil
		}
	}
	return err
}

// step tells the progress.
func (v *verifier) step(n uint64) {
	v.done += n
	if v.progress != nil {
		v.progress(v.done, max(v.total, v.done))
	}
}

func (v *verifier) run(tx store.Tx) error {
	var err error
	if v.m, err = loadMem(tx); err != nil {
		return v.found(err)
	}
	t := v.m.tip
	v.s = v.m.snap(v.r, tx)
	groups, err := v.groups()
	if err != nil {
		return err
	}
	v.total = (uint64(t.next) - 1) * uint64(1+len(groups))
	for _, check := range []func() error{
		v.checkMeta, v.checkHistory, v.checkLines, v.checkTip, v.checkSeals, v.checkErasures, v.checkPending, v.checkPeers,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	if v.broken {
		return v.decodeState()
	}
	v.r.graph.g, v.r.graph.epoch = v.g, v.m.tip.epoch
	for i, from := range groups {
		var to []byte
		if i+1 < len(groups) {
			to = groups[i+1]
		}
		if err := v.checkKeys(from, to, i == 0); err != nil {
			return err
		}
	}
	if v.digest != t.digest {
		v.damage("the state digest is not that of the keys")
	}
	return nil
}

// scan visits the rows of a table. What a visit returns ends the scan; damage that the store reports ends it too.
func (v *verifier) scan(t store.Table, r store.Range, visit func(store.Row) error) error {
	for row, err := range v.s.tx.Scan(t, r) {
		if err == nil {
			err = v.ctx.Err()
		}
		if err == nil {
			err = visit(row)
		}
		if err != nil {
			return v.found(err)
		}
	}
	return nil
}

// checkMeta decodes the small facts and compares those that belong together.
func (v *verifier) checkMeta() error {
	own := v.m.author
	if !own.key.IsZero() {
		if int(own.line) >= len(v.m.lines) || v.m.lines[own.line].Author != own.key.Author() {
			v.damage("the author key is not that of author line %d", own.line)
		}
	}
	if v.m.member.IsZero() && v.m.tip.versions > 0 {
		v.damage("the member row is missing: nothing says which space this is")
	}
	return v.scan(store.Meta, store.Range{}, func(row store.Row) error {
		name := string(row.Key)
		b, err := metaRow(v.s.tx, name)
		if err != nil {
			return v.found(err)
		}
		switch name {
		case metaAuthor, metaNotes, metaHanded, metaLacked:
		case metaMember:
			if err := v.m.member.Verify(); err != nil {
				v.damage("the member row: %s", err)
			}
		case metaScrub:
			_, _, err = owedScrub(v.s.tx)
		case metaInstance:
			_, err = readInstance(v.s.tx)
		case metaReissued:
			_, err = v.s.reissues()
		case metaRemotes:
			_, err = readRemotes(v.s.tx)
		case metaRetired:
			v.checkRetired(b)
		default:
			if !strings.HasPrefix(name, metaBegun) {
				v.damage("the meta table has a row %q, which no kdelta of this version writes", name)
			}
		}
		return v.found(err)
	})
}

func (v *verifier) checkRetired(seeds []byte) {
	if len(seeds)%32 != 0 {
		v.damage("the keys of retired authors are cut off")
	}
	for ; len(seeds) >= 32; seeds = seeds[32:] {
		a := identity.AuthorKeyFromSeed([32]byte(seeds)).Author()
		if len(v.m.byAuthor[a]) == 0 {
			v.damage("a retired key is that of %s, who has no line here", a)
		}
	}
}

// checkLines compares the rows of Authors with what the versions say.
func (v *verifier) checkLines() error {
	defer v.settle()
	return v.scan(store.Authors, store.Range{}, func(raw store.Row) error {
		row, err := store.DecodeAuthor(raw.Value)
		if err != nil {
			return err
		}
		line := history.Line(store.KeyInt(raw.Key))
		if row.Author == (identity.Author{}) && bytes.Equal(raw.Value, new(store.Author).Append(nil)) {
			return nil // it was given up: see withdrawal
		}
		what := fmt.Sprintf("author line %d (%s)", line, row.Author)
		cert, err := identity.DecodeCertificate(row.Certificate)
		switch {
		case err != nil:
			v.damage("%s: its certificate cannot be read", what)
		case cert.Author != row.Author:
			v.damage("%s: its certificate is that of another author", what)
		default:
			v.doubt(what+": its certificate does not let this author into the space", &cert)
		}
		if v.broken {
			return nil
		}
		if int(line) >= v.g.NumLines() {
			if row.Fork != (history.ID{}) || row.Seq > 0 || row.LV > 0 || row.Time > 0 || row.ID != (history.ID{}) ||
				row.Parent > 0 || row.ForkSeq > 0 {
				v.damage("%s: none of its versions are here", what)
			}
			return nil
		}
		if lineInfo(&row) != v.g.LineInfo(line) {
			v.damage("%s: what it says of its fork is not what its versions say", what)
		}
		return v.checkLineTip(line, &row, what)
	})
}

// checkLineTip compares a line's newest version with its row. The row of the author that this database writes as may be
// behind: the tip says where it stands.
func (v *verifier) checkLineTip(line history.Line, row *store.Author, what string) error {
	want := v.tips[line]
	behind := !v.m.author.key.IsZero() && line == v.m.author.line
	if behind {
		want = head{}
		if lv, ok := v.g.Find(line, row.Seq); ok && row.Seq > row.ForkSeq {
			at, err := v.s.version(lv)
			if err != nil {
				return err
			}
			want = head{lv: at.lv, seq: at.Seq, time: at.Time, id: at.ID}
		}
	}
	if row.Seq != want.seq || history.LV(row.LV) != want.lv || clock.Time(row.Time) != want.time || row.ID != want.id {
		v.damage("%s: its newest version is not the one that the row says", what)
	}
	return nil
}

// checkTip compares the tip with what the versions say.
func (v *verifier) checkTip() error {
	if v.broken {
		return nil
	}
	t := &v.m.tip
	if uint64(v.report.Versions) != t.versions {
		v.damage("%d versions are here, the tip says %d", v.report.Versions, t.versions)
	}
	own := head{line: v.m.author.line}
	if h, ok := v.tips[v.m.author.line]; ok && !v.m.author.key.IsZero() {
		own = h
	}
	if t.own != own {
		v.damage("the tip is wrong about this database's own newest version")
	}
	var heads []head
	for _, lv := range v.g.Heads() {
		line, _ := v.g.At(lv)
		heads = append(heads, v.tips[line])
	}
	said := slices.Clone(t.heads)
	order.Sort(said, func(a, b head) int { return int(a.lv) - int(b.lv) })
	if !slices.Equal(said, heads) {
		v.damage("the heads are not those of the versions")
	}
	return nil
}

// checkSeals verifies the kept signatures.
func (v *verifier) checkSeals() error {
	defer v.settle()
	return v.scan(store.Seals, store.Range{}, func(row store.Row) error {
		seal, ok := sealIn(identity.Author{}, row)
		if !ok {
			v.damage("a seal of a wrong length")
			return nil
		}
		line, seq := store.KeyInt(row.Key[:8]), seal.Seq
		if line >= uint64(len(v.m.lines)) {
			v.damage("a seal over a version of author line %d, which is not here", line)
			return nil
		}
		if v.broken {
			return nil
		}
		seal.Author = v.m.lines[line].Author
		if int(line) < v.g.NumLines() {
			if lv, ok := v.g.Find(history.Line(line), seq); ok {
				id, last, err := v.ID(lv)
				if err != nil {
					return err
				}
				if last != lv || id != seal.ID {
					v.damage("the seal over %s is over another version", nameOf(seal.Author, seq))
				}
			}
		}
		v.doubt("the seal over "+nameOf(seal.Author, seq)+" is not its author's signature", &seal)
		return nil
	})
}

// checkPending decodes what waits.
func (v *verifier) checkPending() error {
	return v.scan(store.Pending, store.Range{}, func(row store.Row) error {
		p, err := decodePending(row.Value)
		if err != nil {
			return err
		}
		versions, err := history.DecodeRun(v.s.space, p.Run)
		if err != nil {
			return fmt.Errorf("versions of %s that wait: %w", p.Author, err)
		}
		if last := &versions[len(versions)-1]; last.Author != p.Author || last.Seq != p.Seq {
			v.damage("the pending row of %s holds other versions", nameOf(p.Author, p.Seq))
		}
		return nil
	})
}

// checkPeers decodes what is remembered of others.
func (v *verifier) checkPeers() error {
	return v.scan(store.Peers, store.Range{}, func(row store.Row) error {
		if len(row.Key) != len(identity.Author{}) {
			v.damage("a peer whose key is no author: %s", hex.EncodeToString(row.Key[:min(len(row.Key), 16)]))
			return nil
		}
		p, err := store.DecodePeer(row.Value)
		if err != nil || p.Clock == nil {
			return err
		}
		d := canon.NewReader(p.Clock)
		if _, err = clock.ReadVector(&d); err == nil {
			err = d.End()
		}
		if err != nil {
			v.damage("what peer %s acknowledged cannot be read", identity.Author(row.Key))
		}
		return nil
	})
}
