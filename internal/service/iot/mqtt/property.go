package mqtt

// Properties are what packets of MQTT 5 say besides. A pointer that is nil is
// not said.
type Properties struct {
	PayloadFormat   *byte
	MessageExpiry   *uint32
	ContentType     *string
	ResponseTopic   *string
	Correlation     []byte
	Subscription    []uint32 // identifiers
	SessionExpiry   *uint32
	AssignedID      *string
	ServerKeepAlive *uint16
	AuthMethod      *string
	AuthData        []byte
	ProblemInfo     *byte
	WillDelay       *uint32
	ResponseInfo    *byte
	Information     *string
	Reference       *string
	Reason          *string
	ReceiveMax      *uint16
	AliasMax        *uint16
	Alias           *uint16
	MaxQoS          *byte
	RetainAvailable *byte
	User            [][2]string
	MaxPacket       *uint32
	Wildcards       *byte
	SubscriptionIDs *byte
	Shared          *byte
}

// field returns where the property of an id is kept, or nil if there is none.
func (p *Properties) field(id byte) any {
	switch id {
	case 0x01:
		return &p.PayloadFormat
	case 0x02:
		return &p.MessageExpiry
	case 0x03:
		return &p.ContentType
	case 0x08:
		return &p.ResponseTopic
	case 0x09:
		return &p.Correlation
	case 0x0b:
		return &p.Subscription
	case 0x11:
		return &p.SessionExpiry
	case 0x12:
		return &p.AssignedID
	case 0x13:
		return &p.ServerKeepAlive
	case 0x15:
		return &p.AuthMethod
	case 0x16:
		return &p.AuthData
	case 0x17:
		return &p.ProblemInfo
	case 0x18:
		return &p.WillDelay
	case 0x19:
		return &p.ResponseInfo
	case 0x1a:
		return &p.Information
	case 0x1c:
		return &p.Reference
	case 0x1f:
		return &p.Reason
	}
	return p.limit(id)
}

// limit is field of what says what a peer can do, and of what users add.
func (p *Properties) limit(id byte) any {
	switch id {
	case 0x21:
		return &p.ReceiveMax
	case 0x22:
		return &p.AliasMax
	case 0x23:
		return &p.Alias
	case 0x24:
		return &p.MaxQoS
	case 0x25:
		return &p.RetainAvailable
	case 0x26:
		return &p.User
	case 0x27:
		return &p.MaxPacket
	case 0x28:
		return &p.Wildcards
	case 0x29:
		return &p.SubscriptionIDs
	case 0x2a:
		return &p.Shared
	}
	return nil
}

const lastProperty = 0x2a

// read reads properties, which only version 5 has.
func (p *Properties) read(in *reader, version byte) {
	if version != V5 {
		return
	}
	n, err := readLength(in)
	if err != nil {
		in.bad = true
		return
	}
	of := &reader{b: in.take(n), bad: in.bad}
	for !of.bad && len(of.b) > 0 {
		if !once(of, p.field(of.byte())) {
			of.bad = true
		}
	}
	in.bad = in.bad || of.bad
}

// once reads one property into its field. It reports false for what is unknown,
// or there already.
func once(in *reader, field any) bool {
	switch f := field.(type) {
	case **byte:
		return set(f, in.byte())
	case **uint16:
		return set(f, in.uint16())
	case **uint32:
		return set(f, in.uint32())
	case **string:
		return set(f, in.text())
	case *[]byte:
		if *f != nil {
			return false
		}
		*f = append([]byte{}, in.bytes()...)
		return true
	case *[]uint32:
		n, err := readLength(in)
		*f = append(*f, uint32(n))
		return err == nil && n > 0
	case *[][2]string:
		*f = append(*f, [2]string{in.text(), in.text()})
		return true
	}
	return false
}

func set[T any](field **T, v T) bool {
	if *field != nil {
		return false
	}
	*field = &v
	return true
}

// empty reports whether nothing is said.
func (p *Properties) empty() bool {
	w := &writer{}
	p.append(w)
	return len(w.b) == 0
}

// write writes properties, which only version 5 has.
func (p *Properties) write(w *writer, version byte) {
	if version != V5 {
		return
	}
	of := &writer{}
	p.append(of)
	w.b = append(appendLength(w.b, len(of.b)), of.b...)
}

func (p *Properties) append(w *writer) {
	for id := byte(1); id <= lastProperty; id++ {
		switch f := p.field(id).(type) {
		case **byte:
			if *f != nil {
				w.b = append(w.b, id, **f)
			}
		case **uint16:
			if *f != nil {
				w.b = append(w.b, id)
				w.uint16(**f)
			}
		case **uint32:
			if *f != nil {
				w.b = append(w.b, id)
				w.uint32(**f)
			}
		case **string:
			if *f != nil {
				w.b = append(w.b, id)
				w.text(**f)
			}
		case *[]byte:
			if *f != nil {
				w.b = append(w.b, id)
				w.bytes(*f)
			}
		case *[]uint32:
			for _, n := range *f {
				w.b = appendLength(append(w.b, id), int(n))
			}
		case *[][2]string:
			for _, pair := range *f {
				w.b = append(w.b, id)
				w.text(pair[0])
				w.text(pair[1])
			}
		}
	}
}
