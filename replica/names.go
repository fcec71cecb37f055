package replica

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// MaxName is the length of the longest name of a device or a person in bytes of UTF-8.
const MaxName = 100

// SetName says what people call this replica's author: the device, and whose it is. All replicas see it. A name takes a part of
// a line and stands in points (laptop@3): it has no more than MaxName bytes, no control character, no space at an end, no slash and no
// two dots in a row. ErrName. An empty one is none.
func (r *Replica) SetName(ctx context.Context, device, person string) (Version, error) {
	for _, name := range []string{device, person} {
		if err := checkName(name); err != nil {
			return Version{}, err
		}
	}
	v, err := object("device", device, "person", person)
	if err != nil {
		return Version{}, err
	}
	return r.updateSystem(ctx, func(tx *Tx) error {
		if err := tx.c.ensureAuthor(); err != nil {
			return err
		}
		return tx.Set(authorPrefix+tx.c.author.key.Author().Full(), v)
	})
}

// checkName refuses what nobody can be called.
func checkName(name string) error {
	why := ""
	switch {
	case name == "":
		return nil
	case len(name) > MaxName:
		why = "it has more than " + strconv.Itoa(MaxName) + " bytes"
	case crdt.CheckKey(authorPrefix+name) != nil:
		why = "it has a control character, or is no UTF-8"
	case strings.TrimSpace(name) != name:
		why = "it begins or ends with a space"
	case IsRange(name):
		why = "two dots make a range"
	case strings.Contains(name, "/"):
		why = "a slash makes a key"
	default:
		return nil
	}
	return fmt.Errorf("%w: %s: %s", ErrName, quote(name), why)
}

// Name is what SetName said of an author, empty where nothing is known.
func (r *Replica) Name(ctx context.Context, a identity.Author) (device, person string) {
	_ = r.view(ctx, func(s *snap) error { // without the record, nothing is known
		device, person = s.authorName(a)
		return nil
	})
	return device, person
}

// AuthorName is what people call an author: the device's name where one was set that no other author has, else the
// 8-character form of the author's key.
func (r *Replica) AuthorName(ctx context.Context, a identity.Author) string {
	name := a.String()
	_ = r.view(ctx, func(s *snap) error { name = s.callName(a); return nil })
	return name
}

// callName is what people call an author. Without the records, the key is the name.
func (s *snap) callName(a identity.Author) string {
	device, _ := s.authorName(a)
	if device == "" {
		return a.String()
	}
	for other := range s.byAuthor {
		if d, _ := s.authorName(other); other != a && d == device {
			return a.String()
		}
	}
	return device
}

// callVersion is what people call a version.
func (s *snap) callVersion(at clock.Stamp) string {
	return s.callName(at.Author) + "@" + strconv.FormatUint(at.Seq, 10)
}

// authorName reads an author's record.
func (s *snap) authorName(a identity.Author) (device, person string) {
	v, err := s.record(authorPrefix + a.Full())
	if err != nil || v == nil {
		return "", ""
	}
	return calledIn(v, "device"), calledIn(v, "person")
}

// calledIn is a name in an author's record; what no name can be, whoever wrote it, is none.
func calledIn(v canon.Value, member string) string {
	name := text(v, member)
	if checkName(name) != nil {
		return ""
	}
	return name
}

// record reads the visible value of one of kdelta's own keys; nil: there is none.
func (s *snap) record(key string) (canon.Value, error) {
	b, err := s.tx.Get(store.Docs, []byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	row, err := store.DecodeDoc(b)
	if err != nil || row.Value == nil {
		return nil, err
	}
	v, err := canon.FromJSON(row.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: a record of kdelta's own: %w", store.ErrCorrupt, err)
	}
	return v, nil
}

// TagInfo is a tag and the frontier that it names.
type TagInfo struct {
	Name     string
	Frontier Frontier
}

// Tag names a point, on all replicas; nil names the present. A point in time names what this replica holds of it now. A
// tag of that name moves. A text that ParsePoint reads as a time or as now, or that IsRange reads as a range, is no name for
// a tag: ErrPointText; nor is one that it reads as AUTHOR@SEQ of an author who is known here: ErrAmbiguous.
func (r *Replica) Tag(ctx context.Context, name string, p Point) (Version, error) {
	if _, isMoment, _ := r.parseMoment(name); isMoment {
		return Version{}, noPoint("no tag can be called %s, which is a time", quote(name))
	}
	if IsRange(name) {
		return Version{}, noPoint("no tag can be called %s: two dots make a range", quote(name))
	}
	if err := crdt.CheckKey(tagPrefix + name); err != nil {
		return Version{}, noPoint("no tag can be called %s: a name is not empty, at most 1 KiB, and has no control character", quote(name))
	}
	return r.updateSystem(ctx, func(tx *Tx) error {
		s := tx.c.snap()
		if author, _, isDot := splitDot(name); isDot && len(s.authorsCalled(author)) > 0 {
			return fmt.Errorf("%w: no tag can be called %s, which is a version of an author's", ErrAmbiguous, quote(name))
		}
		heads, err := s.frontier(p)
		if err != nil {
			return err
		}
		if len(heads) == 0 {
			return fmt.Errorf("%w: there is nothing to tag", ErrPoint)
		}
		return tx.Set(tagPrefix+name, packStamps(heads))
	})
}

// Untag removes a tag, on all replicas. ErrNotFound where there is none of that name.
func (r *Replica) Untag(ctx context.Context, name string) (Version, error) {
	return r.updateSystem(ctx, func(tx *Tx) error {
		err := tx.Delete(tagPrefix + name)
		if errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: there is no tag %s", ErrNotFound, quote(name))
		}
		return err
	})
}

// frontier are the versions of a point that no other version of it covers, ascending.
func (s *snap) frontier(p Point) ([]clock.Stamp, error) {
	if _, now := p.(present); now || p == nil {
		stamps := make([]clock.Stamp, 0, len(s.tip.heads))
		for _, h := range s.tip.heads {
			stamps = append(stamps, clock.Stamp{Time: h.time, Author: s.lines[h.line].Author, Seq: h.seq, ID: h.id})
		}
		return sorted(stamps), nil
	}
	if f, ok := p.(Frontier); ok {
		var stamps []clock.Stamp
		for _, v := range f {
			now, err := s.current(v)
			if err != nil {
				return nil, err
			}
			stamps = append(stamps, now.Stamp)
		}
		return sorted(stamps), nil
	}
	if v, ok := p.(Version); ok {
		return s.frontier(Frontier{v})
	}
	at, err := p.resolve(s)
	if err != nil {
		return nil, err
	}
	return s.frontierOf(at)
}

// frontierOf walks the versions of a cut backwards and keeps those that none of the cut covers.
func (s *snap) frontierOf(p point) ([]clock.Stamp, error) {
	in := p.member(s)
	covered := map[history.ID]bool{}
	var stamps []clock.Stamp
	for row, err := range s.rows(0, true) {
		if err != nil {
			return nil, err
		}
		for i := len(row) - 1; i >= 0; i-- {
			v := &row[i]
			at := v.Stamp()
			ok, err := in(v.lv, &at)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			if !covered[v.ID] {
				stamps = append(stamps, at)
			}
			delete(covered, v.ID)
			covered[v.Prev] = true
			for _, d := range v.Deps {
				covered[d.ID] = true
			}
		}
	}
	return sorted(stamps), nil
}

// readTag reads the frontier that a tag's record names.
func (s *snap) readTag(json []byte) (point, error) {
	v, err := canon.FromJSON(json)
	if err != nil {
		return point{}, fmt.Errorf("%w: a tag: %w", store.ErrCorrupt, err)
	}
	f, err := tagFrontier(v)
	if err != nil {
		return point{}, err
	}
	return f.resolve(s)
}

func tagFrontier(v canon.Value) (Frontier, error) {
	b, _ := v.AsBytes()
	stamps, err := unpackStamps(b)
	if err != nil || len(stamps) == 0 {
		return nil, fmt.Errorf("%w: the tag names no version", ErrPoint)
	}
	f := make(Frontier, len(stamps))
	for i, st := range stamps {
		f[i] = Version{Stamp: st}
	}
	return f, nil
}

// Tags lists the tags by name.
func (r *Replica) Tags(ctx context.Context) ([]TagInfo, error) {
	var tags []TagInfo
	for row, err := range r.List(ctx, tagPrefix) {
		if err != nil {
			return nil, err
		}
		v, err := canon.FromJSON(row.Value)
		if err != nil {
			return nil, fmt.Errorf("%w: a tag: %w", store.ErrCorrupt, err)
		}
		f, err := tagFrontier(v)
		if err != nil {
			return nil, err
		}
		tags = append(tags, TagInfo{Name: strings.TrimPrefix(row.Key, tagPrefix), Frontier: f})
	}
	return tags, nil
}

func sorted(stamps []clock.Stamp) []clock.Stamp {
	order.Sort(stamps, clock.Stamp.Compare)
	return stamps
}

// nameOf is AUTHOR@SEQ.
func nameOf(a identity.Author, seq uint64) string { return clock.Stamp{Author: a, Seq: seq}.Name() }
