package firehose

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
)

const hadoopBlock = 256 << 10 // bytes that Hadoop compresses at once

// extensions are those of objects, by how they are compressed.
var extensions = map[string]string{
	api.CompressionFormatGzip: ".gz", api.CompressionFormatZip: ".zip", api.CompressionFormatSnappy: ".snappy", api.CompressionFormatHadoopSnappy: ".hsnappy",
}

// compress returns data in a format. name is that of the object, without its prefix.
func compress(format, name string, data []byte) ([]byte, error) {
	var b bytes.Buffer
	switch format {
	case api.CompressionFormatGzip:
		return written(&b, gzip.NewWriter(&b), data)
	case api.CompressionFormatZip:
		z := zip.NewWriter(&b)
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		return b.Bytes(), nil
	case api.CompressionFormatSnappy:
		return written(&b, s2.NewWriter(&b, s2.WriterSnappyCompat(), s2.WriterConcurrency(1)), data)
	case api.CompressionFormatHadoopSnappy:
		return hadoopSnappy(data), nil
	}
	return data, nil
}

// written returns what w, which writes to b, makes of data.
func written(b *bytes.Buffer, w io.WriteCloser, data []byte) ([]byte, error) {
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// hadoopSnappy is what Hadoop's codec reads: blocks of a length before and the
// length after, then what is compressed.
func hadoopSnappy(data []byte) (out []byte) {
	for len(data) > 0 {
		block := data[:min(len(data), hadoopBlock)]
		data = data[len(block):]
		packed := snappy.Encode(nil, block)
		out = binary.BigEndian.AppendUint32(out, uint32(len(block)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(packed)))
		out = append(out, packed...)
	}
	return out
}
