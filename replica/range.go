package replica

import (
	"context"
	"strings"
)

// rangeMark stands between the two ends of a range.
const rangeMark = ".."

// IsRange reports whether a text is written as ParseRange reads it, and not as a point is.
func IsRange(text string) bool { return strings.Contains(text, rangeMark) }

// ParseRange reads what lies between two points as people write it: A..B is what B holds and A does not. Each end is a point
// as ParsePoint reads it. A.. goes on to what there is now, ..B begins before there was anything. The two points are what
// LogQuery takes as Since and Until, and Diff as from and to.
func (r *Replica) ParseRange(ctx context.Context, text string) (since, until Point, err error) {
	from, to, ok := strings.Cut(text, rangeMark)
	if !ok || from == "" && to == "" || strings.HasPrefix(to, ".") {
		return nil, nil, noPoint("%s: a range is A..B, A.. or ..B, A and B being points; two dots stand between them", quote(text))
	}
	since, until = Frontier{}, Now()
	if from != "" {
		if since, err = r.ParsePoint(ctx, from); err != nil {
			return nil, nil, err
		}
	}
	if to != "" {
		until, err = r.ParsePoint(ctx, to)
	}
	if err != nil {
		return nil, nil, err
	}
	return since, until, nil
}
