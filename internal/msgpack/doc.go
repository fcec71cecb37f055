// Package msgpack turns an application's Go values into canonical Values and back. It is the one door of
// github.com/hashicorp/go-msgpack/v2.
//
// # The model
//
// A Go value maps to a Value by encoding/json's rules: struct tags with name, omitempty, omitzero and string, embedded
// structs and their shadowing, json.Marshaler and encoding.TextMarshaler (so time.Time is RFC 3339 text), json.Number,
// json.RawMessage, keys of maps that are strings, integers or TextMarshalers, matching of field names by case only where no
// field matches exactly. A float32 is the number that its shortest text says (0.1, not 0.10000000149). Three things differ:
//
//	[]byte                a bytes value, not base64 text; and text does not decode into []byte
//	canon.Value           itself, wherever it stands; the zero Value is null
//	anything lossy        an error that names the path, where encoding/json would replace, round or saturate:
//	                      integers beyond ±(2^53−1) (tag them `json:",string"`), invalid UTF-8, a key twice in one map
//
// Into an empty interface a Value decodes as nil, bool, int64, float64, string, []byte, []any or map[string]any.
//
// # The paths
//
//	FromGo ─▶ is the type plain? ── yes ─▶ go-msgpack ─▶ is the result canonical? ── yes ─▶ Value
//	                │ no                                         │ no: a refusal, or a rare form
//	                └────────────────▶ the walk ◀────────────────┘
//	ToGo ───────────────────────────▶ the walk
//
// The WALK follows the rules above by reflection. It is the definition, it runs everywhere, and it alone runs in js/wasm, where
// go-msgpack is not linked (it brings net/http, 4 MB).
//
// go-msgpack encodes PLAIN types: booleans, strings, integers, []byte, and slices, string-keyed maps, pointers and structs of
// plain types, without embedding, without own encodings, without recursion. Plain is decided once per type. What go-msgpack wrote is
// used only if it passes canon.Check; everything else takes the walk, which then has the error with its path or the other form.
//
// go-msgpack does not decode: its decoder takes bytes for strings and strings for bytes, cuts fractions, and ignores the case
// rule, so that one Value would decode to different data in a browser and natively.
//
// # Invariants
//
//  1. For one Go value both paths give the same bytes, on every platform.
//  2. What FromGo returns passes canon.Check.
//  3. For values without []byte, FromGo(x) is canon.FromJSON of what encoding/json writes for x (without its escaping of <, > and &), or an
//     error.
//  4. No Go value, cyclic ones included, and no Value makes either direction crash; panics of an application's own
//     MarshalJSON and the like are the application's.
//  5. Integers decode into integers only, within the range of the Go type; a number that is a float never does.
package msgpack
