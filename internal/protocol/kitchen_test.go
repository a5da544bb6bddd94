package protocol

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

// kitchen has a member of every kind, form and constraint.
type kitchen struct {
	Name     string             `aws:"Name,required,min=1,max=8" pattern:"[a-z]+"`
	Count    int32              `aws:"Count,required,min=0,max=100"`
	Flag     *bool              `aws:"Flag"`
	Long     *int64             `aws:"Long,min=-5"`
	Float    *float32           `aws:"Float"`
	Double   *float64           `aws:"Double,max=10"`
	Text     *string            `aws:"text"`
	Secret   *string            `aws:"Secret,max=3,sensitive"`
	Color    *string            `aws:"Color" enum:"RED|GREEN"`
	Blob     []byte             `aws:"Blob,max=4"`
	When     *time.Time         `aws:"When"`
	ISO      *time.Time         `aws:"ISO,ts=iso8601"`
	HTTP     *time.Time         `aws:"HTTP,ts=rfc822"`
	Unix     *time.Time         `aws:"Unix,ts=unixTimestamp"`
	Times    []time.Time        `aws:"Times" item:"ts=iso8601"`
	List     []string           `aws:"List,max=3" item:"min=1,max=5;;;;[a-z]+"`
	Renamed  []string           `aws:"Renamed,item=Item"`
	Flat     []string           `aws:"Flat,flat"`
	Nested   [][]int32          `aws:"Nested" item.item:"max=9"`
	Sparse   []*string          `aws:"Sparse,sparse"`
	Map      map[string]string  `aws:"Map" mapkey:"max=3" item:";;A|B"`
	FlatMap  map[string]int32   `aws:"FlatMap,flat,key=K,value=V"`
	Weights  map[string]float64 `aws:"Weights" item:"min=0,max=1"`
	Deep     map[string]part    `aws:"Deep"`
	Holes    map[string]*string `aws:"Holes,sparse"`
	Part     *part              `aws:"Part"`
	Parts    []part             `aws:"Parts"`
	Either   *either            `aws:"Either"`
	Document smithy.Document    `aws:"Document"`
}

type part struct {
	Id   string  `aws:"Id,required"`
	Size int64   `aws:"Size,required"`
	Kids []part  `aws:"Kids"`
	Note *string `aws:"note,attr"`
	Up   *part   `aws:"Up"`
}

type either struct {
	smithy.Union
	A *string `aws:"A"`
	B []int32 `aws:"B"`
}

// kitchenAPI speaks every protocol about kitchens.
func kitchenAPI(name string, protocols ...smithy.Protocol) *smithy.Service {
	return &smithy.Service{
		Name: name, Version: "2020-01-01", TargetPrefix: "Kitchen_2020", JSONVersion: "1.1", XMLNamespace: "http://kitchen/",
		Protocols: protocols,
		Operations: []smithy.OperationInfo{{
			Name: "Cook", Method: "POST", URI: "/cook", Result: "CookResult",
			NewInput: func() any { return new(kitchen) }, NewOutput: func() any { return new(kitchen) },
		}},
	}
}
