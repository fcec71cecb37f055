package replica

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
)

// minIDPrefix is how many hexadecimal digits of a version's id name it.
const minIDPrefix = 6

// maxCandidates is how many candidates an error about an ambiguous point lists.
const maxCandidates = 10

// ParsePoint reads a point as people write it:
//
//	2026-03-01T09:30:00Z   that moment (RFC 3339, with any offset)
//	2026-03-01 10:30:00    as times are shown to people, in this machine's time zone: what there was when that second ended
//	2026-03-01             the start of that day, UTC: what there was when the day began
//	90s ago, 5m ago, 2h ago, 3d ago, 1w ago
//	laptop@17              the version that has the author's dot 17. The author is a device name that only one author has,
//	                       or the beginning of an author's key
//	3f9a02…                the version whose id begins so: 6 hexadecimal digits at least, in upper or lower case. This
//	                       reads the whole history
//	now                    all that is here
//	release-1              a tag
//
// The first form that fits is meant. A key's first 8 characters or more come before device names, and these before
// fewer characters. Whatever may mean several things is refused with ErrAmbiguous, which lists them; a text that means
// nothing here with ErrPoint, which ErrAmbiguous comes with as well, and so does ErrPointText: the text cannot mean
// anything anywhere.
func (r *Replica) ParsePoint(ctx context.Context, text string) (Point, error) {
	if p, ok, err := r.parseMoment(text); ok {
		return p, err
	}
	var p Point
	err := r.view(ctx, func(s *snap) error {
		var err error
		if name, seq, ok := splitDot(text); ok {
			if p, err = s.parseDot(text, name, seq); !errors.Is(err, errNoAuthor) {
				return err
			}
		}
		var found []pointCandidate
		if isIDPrefix(text) {
			if found, err = s.findIDs(ctx, strings.ToLower(text)); err != nil {
				return err
			}
		}
		if found, err = s.addTag(found, text); err != nil {
			return err
		}
		_, _, isDot := splitDot(text)
		if !isDot && !isIDPrefix(text) && crdt.CheckKey(tagPrefix+text) != nil {
			return noPoint("%s: "+pointForms, quote(text), minIDPrefix)
		}
		p, err = oneOf(text, found)
		return err
	})
	return p, err
}

// pointForms is what a point may be.
const pointForms = "a point is an RFC 3339 time, one as it is shown, a date, \"5m ago\", \"now\", AUTHOR@SEQ, %d or more digits of a version's id, or a tag"

// quote is a text that somebody gave, as errors show it: in quotes, and the beginning of a long one.
func quote(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return strconv.Quote(text)
}

// noPoint is an ErrPointText.
func noPoint(format string, args ...any) error {
	return &badPoint{ErrPointText.Error() + ": " + fmt.Sprintf(format, args...)}
}

type badPoint struct{ text string }

func (e *badPoint) Error() string { return e.text }

// Unwrap makes it an ErrPoint as well.
func (e *badPoint) Unwrap() []error { return []error{ErrPointText, ErrPoint} }

// parseMoment reads the forms that say when, whatever the database holds; ok is false for all other texts.
func (r *Replica) parseMoment(text string) (p Point, ok bool, err error) {
	if text == "now" {
		return Now(), true, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return TimePoint(t), true, nil
	}
	if t, err := time.ParseInLocation(time.DateTime, text, time.Local); err == nil {
		if !strings.ContainsAny(text, ".,") { // what is shown was cut to the second
			t = t.Add(time.Second - time.Millisecond)
		}
		return TimePoint(t), true, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return TimePoint(t), true, nil
	}
	amount, ok := strings.CutSuffix(text, " ago")
	if !ok {
		return nil, false, nil
	}
	amount = strings.TrimSpace(amount)
	units := map[string]int64{"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
	n := strings.TrimRight(amount, "smhdw")
	unit, known := units[amount[len(n):]]
	count, err := strconv.ParseUint(n, 10, 32)
	if !known || err != nil {
		return nil, true, noPoint("%s: write a number and one of s, m, h, d, w, as in \"5m ago\"", quote(text))
	}
	return TimePoint(time.UnixMilli(r.wall.Now() - int64(count)*unit).UTC()), true, nil
}

// splitDot splits AUTHOR@SEQ. Device names may have an '@' of their own.
func splitDot(text string) (name string, seq uint64, ok bool) {
	i := strings.LastIndexByte(text, '@')
	if i <= 0 {
		return "", 0, false
	}
	seq, err := strconv.ParseUint(text[i+1:], 10, 63)
	return text[:i], seq, err == nil
}

// errNoAuthor: no author is called that.
var errNoAuthor = errors.New("no such author")

// parseDot finds the version that owns a dot of an author.
func (s *snap) parseDot(text, name string, seq uint64) (Point, error) {
	authors := s.authorsCalled(name)
	if len(authors) == 0 {
		return nil, errNoAuthor
	}
	if len(authors) > 1 {
		found := make([]pointCandidate, len(authors))
		for i, a := range authors {
			found[i].label = fmt.Sprintf("%s@%d", a.Full(), seq)
			if device, _ := s.authorName(a); device != "" {
				found[i].label += " (" + device + ")"
			}
		}
		return oneOf(text, found)
	}
	stamps, err := s.versionsOf(authors[0], seq)
	if err != nil {
		return nil, err
	}
	if len(stamps) == 0 {
		last := uint64(0)
		for _, line := range s.byAuthor[authors[0]] {
			last = max(last, s.lines[line].Seq)
		}
		return nil, fmt.Errorf("%w: %s: the versions of %s that are here go from 1 to %d", ErrPoint, quote(text), s.callName(authors[0]), last)
	}
	return oneOf(text, versionCandidates(stamps))
}

// authorsCalled are the authors that a name may mean.
func (s *snap) authorsCalled(name string) []identity.Author {
	var byKey, byName []identity.Author
	for a := range s.byAuthor {
		if strings.HasPrefix(a.Full(), name) {
			byKey = append(byKey, a)
		}
		if device, _ := s.authorName(a); device == name {
			byName = append(byName, a)
		}
	}
	if len(byName) == 0 || len(byKey) > 0 && len(name) >= len(identity.Author{}.String()) {
		byName = byKey
	}
	order.Sort(byName, identity.Author.Compare)
	return byName
}

// versionsOf are the versions that own a dot of an author: several where it is forked.
func (s *snap) versionsOf(a identity.Author, seq uint64) ([]clock.Stamp, error) {
	var found []clock.Stamp
	for _, line := range s.byAuthor[a] {
		if seq <= s.lines[line].ForkSeq || seq > s.lines[line].Seq {
			continue
		}
		v, err := s.owner(line, seq)
		if err != nil {
			return nil, err
		}
		found = append(found, v.Stamp())
	}
	return found, nil
}

// errNoDot: the graph does not know a dot that the row of its line says is here.
var errNoDot = errors.New("replica: a dot is missing from the version graph")

func isIDPrefix(text string) bool {
	if len(text) < minIDPrefix || len(text) > hex.EncodedLen(len(history.ID{})) {
		return false
	}
	for i := range len(text) {
		if c := text[i] | 0x20; (c < '0' || c > '9' || text[i] != c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// findIDs are the versions whose id begins with the lower-case digits.
func (s *snap) findIDs(ctx context.Context, prefix string) ([]pointCandidate, error) {
	var found []clock.Stamp
	for row, err := range s.rows(0, true) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for i := range row {
			if strings.HasPrefix(row[i].ID.String(), prefix) {
				found = append(found, row[i].Stamp())
			}
		}
	}
	return versionCandidates(found), nil
}

// addTag adds the tag of that name, if there is one.
func (s *snap) addTag(found []pointCandidate, name string) ([]pointCandidate, error) {
	key := tagPrefix + name
	if possible := crdt.CheckKey(key) == nil; !possible {
		return found, nil
	}
	v, err := s.record(key)
	if err != nil || v == nil {
		return found, err
	}
	return append(found, pointCandidate{label: "the tag " + name, point: Tag(name)}), nil
}

// pointCandidate is something that a text may mean.
type pointCandidate struct {
	label string
	point Point
}

// versionCandidates are in the total order, so that replicas list them alike.
func versionCandidates(stamps []clock.Stamp) []pointCandidate {
	var candidates []pointCandidate
	for _, at := range sorted(stamps) {
		candidates = append(candidates, pointCandidate{
			label: at.Name() + " (" + at.ID.String()[:16] + ", " + at.Time.String() + ")",
			point: Version{Stamp: at},
		})
	}
	return candidates
}

// oneOf is the only candidate, or the error that says why there is none.
func oneOf(text string, found []pointCandidate) (Point, error) {
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%w: %s is no time, version or tag here; "+pointForms, ErrPoint, quote(text), minIDPrefix)
	case 1:
		return found[0].point, nil
	}
	labels := make([]string, 0, maxCandidates+1)
	for i, c := range found {
		if i == maxCandidates {
			labels = append(labels, strconv.Itoa(len(found)-i)+" more")
			break
		}
		labels = append(labels, c.label)
	}
	return nil, &ambiguous{text: text, candidates: labels}
}

// ambiguous is ErrAmbiguous with what a text may mean.
type ambiguous struct {
	text       string
	candidates []string
}

func (e *ambiguous) Error() string {
	return quote(e.text) + " is " + ErrAmbiguous.Error() + ": " + strings.Join(e.candidates, ", ")
}

// Unwrap makes it an ErrPoint as well: there is no one such point.
func (e *ambiguous) Unwrap() []error { return []error{ErrAmbiguous, ErrPoint} }
