package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A publicImage is an image that everybody has, and the public parameter of
// Systems Manager that says which it is.
type publicImage struct{ parameter, name, architecture, owner, alias, description string }

// Whose images are known.
const (
	amazonLinux = "137112412989"
	amazonECS   = "591542846629"
	windows     = "801119661308"
	canonical   = "099720109477"
)

// publicImages are the images that templates, and lookups of the CDK, ask for
// most. Nothing is started from them.
var publicImages = sync.OnceValue(func() []publicImage {
	var list []publicImage
	add := func(parameter, name, architecture, owner, alias, description string) {
		list = append(list, publicImage{"/aws/service/" + parameter, name, architecture, owner, alias, description})
	}
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, kernel := range []string{"default", "6.1", "6.12"} {
			real := strings.Replace(kernel, "default", "6.1", 1)
			for _, size := range []string{"", "minimal-"} {
				add("ami-amazon-linux-latest/al2023-ami-"+size+"kernel-"+kernel+"-"+arch, "al2023-ami-"+size+"2023.0.0-kernel-"+real+"-"+arch, arch, amazonLinux, "amazon", "Amazon Linux 2023 AMI")
			}
		}
		for _, disk := range []string{"gp2", "ebs"} {
			add("ami-amazon-linux-latest/amzn2-ami-hvm-"+arch+"-"+disk, "amzn2-ami-hvm-2.0.0-"+arch+"-"+disk, arch, amazonLinux, "amazon", "Amazon Linux 2 AMI")
			add("ami-amazon-linux-latest/amzn2-ami-kernel-5.10-hvm-"+arch+"-"+disk, "amzn2-ami-kernel-5.10-hvm-2.0.0-"+arch+"-"+disk, arch, amazonLinux, "amazon", "Amazon Linux 2 Kernel 5.10 AMI")
		}
		add("ami-amazon-linux-latest/amzn2-ami-minimal-hvm-"+arch+"-ebs", "amzn2-ami-minimal-hvm-2.0.0-"+arch+"-ebs", arch, amazonLinux, "amazon", "Amazon Linux 2 AMI")
		folder, plain := strings.TrimSuffix("/"+arch, "/x86_64"), strings.Replace(arch, "x86_64", "amd64", 1)
		add("ecs/optimized-ami/amazon-linux-2"+folder+"/recommended/image_id", "amzn2-ami-ecs-hvm-2.0.0-"+arch+"-ebs", arch, amazonECS, "amazon", "Amazon Linux AMI 2.0.0 "+arch+" ECS HVM GP2")
		add("ecs/optimized-ami/amazon-linux-2023"+folder+"/recommended/image_id", "al2023-ami-ecs-hvm-2023.0.0-kernel-6.1-"+arch, arch, amazonECS, "amazon", "Amazon Linux AMI 2023.0.0 "+arch+" ECS HVM EBS")
		for _, ubuntu := range [][2]string{{"20.04", "focal"}, {"22.04", "jammy"}, {"24.04", "noble"}} {
			disk, dir := "gp2", "hvm-ssd"
			if ubuntu[1] == "noble" {
				disk, dir = "gp3", "hvm-ssd-gp3"
			}
			add("canonical/ubuntu/server/"+ubuntu[0]+"/stable/current/"+plain+"/hvm/ebs-"+disk+"/ami-id", "ubuntu/images/"+dir+"/ubuntu-"+ubuntu[1]+"-"+ubuntu[0]+"-"+plain+"-server-0", arch, canonical, "", "Canonical, Ubuntu, "+ubuntu[0])
		}
	}
	for _, year := range []string{"2016", "2019", "2022", "2025"} {
		for _, size := range []string{"Full", "Core"} {
			name := "Windows_Server-" + year + "-English-" + size + "-Base"
			add("ami-windows-latest/"+name, name+"-0000.00.00", "x86_64", windows, "amazon", "Microsoft Windows Server "+year+" "+size)
		}
	}
	return list
})

// id is that of an image in a region. It is the same each time.
func (p *publicImage) id(region string) string {
	sum := sha256.Sum256([]byte(region + " " + p.name))
	return "ami-" + hex.EncodeToString(sum[:])[:17]
}

// PublicImage returns the id of the image that a public parameter of Systems
// Manager names, or "" if it names none.
func (s *Service) PublicImage(region, parameter string) string {
	for _, p := range publicImages() {
		if p.parameter == parameter {
			return p.id(region)
		}
	}
	return ""
}

func (p *publicImage) shown(region string) api.Image {
	id := p.id(region)
	v := api.Image{
		ImageId: &id, Name: &p.name, Description: &p.description, Architecture: &p.architecture, OwnerId: &p.owner, Public: new(true), State: new("available"),
		ImageLocation: new("amazon/" + p.name), ImageType: new("machine"), Hypervisor: new("xen"), VirtualizationType: new("hvm"), RootDeviceType: new("ebs"),
		RootDeviceName: new("/dev/xvda"), EnaSupport: new(true), SriovNetSupport: new("simple"), CreationDate: new("2024-01-01T00:00:00.000Z"),
		BlockDeviceMappings: []api.BlockDeviceMapping{}, UsageOperation: new("RunInstances"), PlatformDetails: new("Linux/UNIX"),
	}
	if p.alias != "" {
		v.ImageOwnerAlias = &p.alias
	}
	if p.owner == windows {
		v.Platform, v.PlatformDetails, v.RootDeviceName, v.UsageOperation = new("windows"), new("Windows"), new("/dev/sda1"), new("RunInstances:0002")
	}
	return v
}

// DescribeImages describes the images that everybody has: nobody has any of their
// own.
func (s *Service) DescribeImages(_ context.Context, call *aws.Call, in *api.DescribeImagesInput) (*api.DescribeImagesOutput, error) {
	list, found := []api.Image{}, 0
	for _, p := range publicImages() {
		v := p.shown(call.Region)
		if len(in.ImageIds) > 0 && !slices.Contains(in.ImageIds, *v.ImageId) {
			continue
		}
		found++
		ok, err := matches(&v, nil, in.Filters, map[string]string{"owner-alias": "image-owner-alias", "image-type": "image-type", "is-public": "public"})
		if err != nil {
			return nil, err
		}
		owned := len(in.Owners) == 0 || slices.Contains(in.Owners, p.owner) || p.alias != "" && slices.Contains(in.Owners, p.alias)
		if ok && owned && !slices.ContainsFunc(list, func(other api.Image) bool { return *other.ImageId == *v.ImageId }) {
			list = append(list, v)
		}
	}
	for _, id := range in.ImageIds {
		if !strings.HasPrefix(id, "ami-") {
			return nil, refused("InvalidAMIID.Malformed", "Invalid id: \"%s\" (expecting \"ami-...\")", id)
		}
	}
	if found < len(in.ImageIds) && !s.knowsAll(call, in.ImageIds) {
		return nil, refused("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", in.ImageIds[0])
	}
	slices.SortFunc(list, func(a, b api.Image) int { return strings.Compare(*a.ImageId, *b.ImageId) })
	out := &api.DescribeImagesOutput{}
	var err error
	out.Images, out.NextToken, err = page(list, ask{next: in.NextToken, most: in.MaxResults}, func(v *api.Image) string { return *v.ImageId })
	return out, err
}

func (s *Service) knowsAll(call *aws.Call, ids []string) bool {
	for _, id := range ids {
		if !slices.ContainsFunc(publicImages(), func(p publicImage) bool { return p.id(call.Region) == id }) {
			return false
		}
	}
	return true
}
