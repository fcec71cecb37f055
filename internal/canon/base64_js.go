package canon

import "encoding/base64"

// appendBase64 appends the standard base64 of b.
func appendBase64(dst, b []byte) []byte { return base64.StdEncoding.AppendEncode(dst, b) }
