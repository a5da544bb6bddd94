package rows

import (
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"

	"github.com/aloft-cloud/aloft/internal/service/s3/query"
)

// Unpack returns what in is of: compressed by GZIP or BZIP2, or NONE.
func Unpack(in io.Reader, compression string) io.Reader {
	switch compression {
	case "GZIP":
		return &unpacker{open: func() (io.Reader, error) { return gzip.NewReader(in) }, name: compression}
	case "BZIP2":
		return &unpacker{open: func() (io.Reader, error) { return bzip2.NewReader(in), nil }, name: compression}
	}
	return in
}

// An unpacker refuses what is not compressed as it was said.
type unpacker struct {
	open func() (io.Reader, error)
	name string
	from io.Reader
}

func (u *unpacker) Read(b []byte) (int, error) {
	if u.from == nil {
		var err error
		if u.from, err = u.open(); err != nil {
			return 0, u.refusal(err)
		}
	}
	n, err := u.from.Read(b)
	return n, u.refusal(err)
}

func (u *unpacker) refusal(err error) error {
	_, notBzip2 := errors.AsType[bzip2.StructuralError](err)
	switch {
	case errors.Is(err, gzip.ErrHeader), notBzip2:
		return query.Fault("InvalidCompressionFormat", u.name+" is not applicable to the queried object. Please correct the request and try again.")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, gzip.ErrChecksum):
		return query.Fault("TruncatedInput", "Object decompression failed. Check that the object is properly compressed using the format specified in the request.")
	}
	return err
}
