package history

import "github.com/kdelta/kdelta/internal/canon"

// Meta is what a version says about itself beside its ops.
type Meta struct {
	// Message says why, for people; empty if there is none.
	Message string
	// Undo names the group of versions that are undone together; empty if there is none.
	Undo string
	// App is the application's own metadata, a map; nil if there is none.
	App canon.Value
	// Other are entries under keys that this program does not know. They are kept as they are.
	Other []canon.Entry
}

// The keys of the metadata map.
const (
	metaApp     = "a"
	metaMessage = "m"
	metaUndo    = "u"
)

// append appends nil, or the map of what is set.
func (m Meta) append(b []byte) ([]byte, error) {
	if m.Message == "" && m.Undo == "" && m.App == nil && len(m.Other) == 0 {
		return canon.AppendNil(b), nil
	}
	entries := make([]canon.Entry, 0, 3+len(m.Other))
	for _, s := range [...]struct{ key, text string }{{metaMessage, m.Message}, {metaUndo, m.Undo}} {
		if s.text == "" {
			continue
		}
		v, err := canon.String(s.text)
		if err != nil {
			return nil, invalid(FaultMeta, "the text under "+s.key, err)
		}
		entries = append(entries, canon.Entry{Key: s.key, Value: v})
	}
	if m.App != nil {
		entries = append(entries, canon.Entry{Key: metaApp, Value: m.App})
	}
	entries = append(entries, m.Other...)
	v, err := canon.NewMap(entries)
	if err != nil {
		return nil, invalid(FaultMeta, "metadata that no value can hold", err)
	}
	return append(b, v...), nil
}

// checkMeta checks a Value as metadata: null, or a map with something in it, whose known keys have their types.
func checkMeta(v canon.Value) error {
	if v.Type() == canon.TypeNull {
		return nil
	}
	if v.Type() != canon.TypeMap || v.Len() == 0 {
		return invalid(FaultMeta, "metadata is null or a map with entries, not "+v.Type().String(), nil)
	}
	for key, value := range v.Entries() {
		wanted := value.Type()
		switch key {
		case metaApp:
			wanted = canon.TypeMap
		case metaMessage, metaUndo:
			wanted = canon.TypeString
		}
		if value.Type() != wanted {
			return invalid(FaultMeta, "the entry "+key+" is "+value.Type().String()+", not "+wanted.String(), nil)
		}
	}
	return nil
}

func decodeMeta(v canon.Value) Meta {
	var m Meta
	for key, value := range v.Entries() {
		switch key {
		case metaApp:
			m.App = value
		case metaMessage:
			m.Message, _ = value.AsString()
		case metaUndo:
			m.Undo, _ = value.AsString()
		default:
			m.Other = append(m.Other, canon.Entry{Key: key, Value: value})
		}
	}
	return m
}
