package sigv4

// A Text is a text that is signed by itself, as the policy of an HTML form is.
type Text struct {
	Algorithm  string // "AWS4-HMAC-SHA256"; empty for version 2, which boto3 still makes
	Credential string // "KEY/DATE/REGION/s3/aws4_request"; of version 2 the key alone
	Signature  string
	Token      string // of temporary credentials
	Text       string
}

// Parse reads the credential of t. What is wrong with it is in the signature,
// as if it had come with a request.
func (t *Text) Parse() *Signature {
	s := &Signature{Token: t.Token}
	if t.Algorithm == "" && t.Credential != "" {
		s.version2, s.Service, s.AccessKey = true, "s3", t.Credential
		return s
	}
	if t.Algorithm != "AWS4-HMAC-SHA256" {
		s.wrong = &refusal{s3: invalidRequest.Errorf("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")}
		return s
	}
	if s.wrong = s.parseCredential(t.Credential); s.wrong != nil {
		s.wrong.s3 = invalidRequest.Errorf("Error parsing the X-Amz-Credential parameter; %s", s.wrong.s3)
	}
	return s
}

// Check refuses t if s, which Parse returned, was not made with secret.
func (t *Text) Check(s *Signature, secret string) error {
	if s.version2 && checkMAC(secret, t.Text, t.Signature) {
		return nil
	}
	if !s.version2 && deriveKey(secret, s.date, s.Region, s.Service).check([]byte(t.Text), t.Signature) {
		return nil
	}
	return signatureDoesNotMatch.With(&mismatch{AWSAccessKeyId: s.AccessKey, StringToSign: t.Text, SignatureProvided: t.Signature},
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}
