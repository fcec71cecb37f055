package pack

import "github.com/kdelta/kdelta/internal/zstd"

// The columns that tests change.
const (
	ColRuns        = colRuns
	ColPins        = colPins
	ColTimes       = colTimes
	ColOps         = colOps
	ColKeys        = colKeys
	ColDict        = colDict
	ColDictText    = colDictText
	ColCodes       = colCodes
	ColDetached    = colDetached
	ColWidths      = colWidths
	ColLengths     = colLengths
	ColMetas       = colMetas
	ColPresent     = colPresent
	ColRawLengths  = colRawLengths
	ColRawPayloads = colRawPayloads
	ColBodies      = colBodies
	ColOffsets     = colOffsets
	ColRemoved     = colRemoved
	ColTextLengths = colTextLengths
	ColText        = colText
	Columns        = columns
)

var (
	AppendNumber = appendNumber
	AppendTime   = appendTime
)

// Split takes a sound pack apart, Join makes one of any parts, with the lengths that they have.
func Split(b []byte) (Header, [columns][]byte) {
	h, stored, err := ReadHeader(b)
	if err != nil {
		panic(err)
	}
	plain, err := openBody(&h, stored, nil)
	if err != nil {
		panic(err)
	}
	s := source{b: plain}
	var cols [columns][]byte
	for i, c := range s.layout() {
		cols[i] = plain[c.at:c.end:c.end]
	}
	return h, cols
}

func Join(h Header, cols [columns][]byte) []byte {
	body := appendBody(nil, appendLayout(nil, &cols), &cols)
	h.Plain = len(body)
	if h.Codec == CodecZstd {
		body, _ = zstd.Compress(nil, body, false)
	}
	h.Stored = len(body)
	return AppendHeader(h, body)
}

// AppendHeader is the body behind a header that says what it likes of it.
func AppendHeader(h Header, body []byte) []byte {
	var w headerWriter
	return append(w.append(nil, &h), body...)
}
