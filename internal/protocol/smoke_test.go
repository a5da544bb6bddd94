package protocol

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

func TestSmoke(t *testing.T) {
	for _, svc := range []*smithy.Service{dynamodb.API, iam.API, lambda.API, s3.API} {
		for _, op := range svc.Operations {
			planOf(reflect.TypeOf(op.NewInput()).Elem())
			planOf(reflect.TypeOf(op.NewOutput()).Elem())
		}
	}
	do := func(svc *smithy.Service, method, uri, body string, hs ...string) {
		r := httptest.NewRequest(method, uri, strings.NewReader(body))
		for i := 0; i < len(hs); i += 2 {
			r.Header.Set(hs[i], hs[i+1])
		}
		var form *Form
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form") {
			form, _ = ParseForm(body)
		}
		a := New(svc)
		x, err := a.Match(r, form)
		w := httptest.NewRecorder()
		if err == nil {
			in := x.Op.NewInput()
			if err = x.Decode(r, []byte(body), in, nil); err == nil {
				text, _ := EncodeJSON(in)
				t.Logf("%s %s %s", x.Op.Name, x.Protocol, text)
				err = x.Encode(w, x.Op.NewOutput(), "id")
			}
		}
		if err != nil {
			x.EncodeError(w, err, "id")
		}
		t.Logf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	do(dynamodb.API, "POST", "/", `{"TableName":"t","Item":{"a":{"S":"x"}},"ReturnValues":"X"}`, "X-Amz-Target", "DynamoDB_20120810.PutItem", "Content-Type", "application/x-amz-json-1.0")
	do(dynamodb.API, "POST", "/", `{"TableName":"t","Key":{"a":{"S":"x"}}}`, "X-Amz-Target", "DynamoDB_20120810.GetItem", "Content-Type", "application/x-amz-json-1.0")
	do(dynamodb.API, "POST", "/", `{"TableName":5}`, "X-Amz-Target", "DynamoDB_20120810.GetItem")
	do(dynamodb.API, "POST", "/", `{}`, "X-Amz-Target", "DynamoDB_20120810.GetItems")
	do(iam.API, "POST", "/", "Action=CreateUser&Version=2010-05-08&UserName=bob&Tags.member.1.Key=a&Tags.member.1.Value=b", "Content-Type", "application/x-www-form-urlencoded")
	do(iam.API, "POST", "/", "Action=CreateUser&Version=2010-05-08", "Content-Type", "application/x-www-form-urlencoded")
	do(iam.API, "POST", "/", "Action=CreateUserz&Version=2010-05-08", "Content-Type", "application/x-www-form-urlencoded")
	do(lambda.API, "POST", "/2015-03-31/functions/f:x/invocations?Qualifier=1", `{"a":1}`)
	do(lambda.API, "POST", "/2015-03-31/functions", `{"FunctionName":"f","Code":{"ZipFile":"aGk="},"Role":"x"}`)
	do(lambda.API, "POST", "/", `{"FunctionName":"f","Payload":"e30="}`, "X-Amz-Target", "lambda.Invoke")
	do(lambda.API, "GET", "/nope", ``)
	do(s3.API, "PUT", "/b/k//x%2Fy/", `data`)
	do(s3.API, "PUT", "/b/k?partNumber=1&uploadId=7", `data`)
	do(s3.API, "PUT", "/b/k", ``, "x-amz-copy-source", "/a/b")
	do(s3.API, "GET", "/b?list-type=2", ``)
	do(s3.API, "GET", "/b/", ``)
	do(s3.API, "POST", "/b?delete", `<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>`)
	do(s3.API, "POST", "/b?delete", `<!DOCTYPE x><Delete/>`)
	do(s3.API, "POST", "/b", ``)
}
