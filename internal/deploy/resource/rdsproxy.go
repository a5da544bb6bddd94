package resource

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/rds"
)

func dbProxy() *Type {
	find := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, rds.DescribeDBProxies, &rds.DescribeDBProxiesInput{DBProxyName: &name})
		if err != nil {
			return nil, err
		}
		p := &out.DBProxies[0]
		return &Made{PhysicalID: name, Attributes: map[string]any{"DBProxyArn": *p.DBProxyArn, "Endpoint": *p.Endpoint, "VpcId": *p.VpcId}}, nil
	}
	return &Type{
		Name: "AWS::RDS::DBProxy",
		Properties: Props(`Auth DBProxyName!@ DebugLogging DefaultAuthScheme EndpointNetworkType EngineFamily!@ IdleClientTimeout RequireTLS RoleArn! Tags
			TargetConnectionNetworkType@ VpcSecurityGroupIds VpcSubnetIds!@`),
		Attributes: []string{"DBProxyArn", "Endpoint", "VpcId"},
		Naming:     Naming{Property: "DBProxyName", Max: 63, Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &rds.CreateDBProxyInput{Tags: databaseTags(tagMap(op.New["Tags"]))}
			known := pick(op.New, "Auth", "DebugLogging", "DefaultAuthScheme", "EndpointNetworkType", "EngineFamily", "IdleClientTimeout", "RequireTLS", "RoleArn", "TargetConnectionNetworkType", "VpcSecurityGroupIds", "VpcSubnetIds")
			if err := Bind(op, known, in); err != nil {
				return nil, err
			}
			in.DBProxyName = strings.ToLower(op.Named("DBProxyName"))
			if _, err := Do(op, rds.CreateDBProxy, in); err != nil {
				return nil, err
			}
			return find(op, in.DBProxyName)
		},
		Find: func(op *Op) (*Made, error) {
			return waited(find(op, strings.ToLower(op.Named("DBProxyName"))))
		},
		Update: func(op *Op) (*Made, error) {
			in := &rds.ModifyDBProxyInput{}
			if err := Bind(op, pick(op.New, "Auth", "DebugLogging", "DefaultAuthScheme", "IdleClientTimeout", "RequireTLS", "RoleArn"), in); err != nil {
				return nil, err
			}
			in.DBProxyName, in.SecurityGroups = op.PhysicalID, texts(op.New["VpcSecurityGroupIds"])
			out, err := Do(op, rds.ModifyDBProxy, in)
			if err != nil {
				return nil, err
			}
			if err := retagDatabase(op, *out.DBProxy.DBProxyArn); err != nil {
				return nil, err
			}
			return find(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, rds.DeleteDBProxy, &rds.DeleteDBProxyInput{DBProxyName: op.PhysicalID})
			return err
		},
		Note: "Connections are passed through to the database, where clients sign in; none are shared.",
	}
}

func dbProxyEndpoint() *Type {
	find := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, rds.DescribeDBProxyEndpoints, &rds.DescribeDBProxyEndpointsInput{DBProxyEndpointName: &name})
		if err != nil {
			return nil, err
		}
		e := &out.DBProxyEndpoints[0]
		return &Made{PhysicalID: name, Attributes: map[string]any{"DBProxyEndpointArn": *e.DBProxyEndpointArn, "Endpoint": *e.Endpoint, "IsDefault": *e.IsDefault, "VpcId": *e.VpcId}}, nil
	}
	return &Type{
		Name:       "AWS::RDS::DBProxyEndpoint",
		Properties: Props("DBProxyEndpointName!@ DBProxyName!@ EndpointNetworkType@ Tags TargetRole@ VpcSecurityGroupIds VpcSubnetIds!@"),
		Attributes: []string{"DBProxyEndpointArn", "Endpoint", "IsDefault", "VpcId"},
		Naming:     Naming{Property: "DBProxyEndpointName", Max: 63, Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &rds.CreateDBProxyEndpointInput{Tags: databaseTags(tagMap(op.New["Tags"]))}
			if err := Bind(op, pick(op.New, "DBProxyName", "EndpointNetworkType", "TargetRole", "VpcSecurityGroupIds", "VpcSubnetIds"), in); err != nil {
				return nil, err
			}
			in.DBProxyEndpointName = strings.ToLower(op.Named("DBProxyEndpointName"))
			if _, err := Do(op, rds.CreateDBProxyEndpoint, in); err != nil {
				return nil, err
			}
			return find(op, in.DBProxyEndpointName)
		},
		Find: func(op *Op) (*Made, error) {
			return waited(find(op, strings.ToLower(op.Named("DBProxyEndpointName"))))
		},
		Update: func(op *Op) (*Made, error) {
			in := &rds.ModifyDBProxyEndpointInput{DBProxyEndpointName: op.PhysicalID, VpcSecurityGroupIds: texts(op.New["VpcSecurityGroupIds"])}
			out, err := Do(op, rds.ModifyDBProxyEndpoint, in)
			if err != nil {
				return nil, err
			}
			if err := retagDatabase(op, *out.DBProxyEndpoint.DBProxyEndpointArn); err != nil {
				return nil, err
			}
			return find(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, rds.DeleteDBProxyEndpoint, &rds.DeleteDBProxyEndpointInput{DBProxyEndpointName: op.PhysicalID})
			return err
		},
	}
}

// dbProxyTargetGroup is the one target group that every proxy has: what a template
// makes of it is where the proxy leads.
func dbProxyTargetGroup() *Type {
	set := func(op *Op) (*Made, error) {
		name := op.Text("DBProxyName")
		in := &rds.ModifyDBProxyTargetGroupInput{}
		if err := Bind(op, map[string]any{"ConnectionPoolConfig": op.New["ConnectionPoolConfigurationInfo"]}, in); err != nil {
			return nil, err
		}
		in.DBProxyName, in.TargetGroupName = name, op.Text("TargetGroupName")
		out, err := Do(op, rds.ModifyDBProxyTargetGroup, in)
		if err != nil {
			return nil, err
		}
		arn := *out.DBProxyTargetGroup.TargetGroupArn
		return &Made{PhysicalID: arn, Attributes: map[string]any{"TargetGroupArn": arn}}, lead(op, name)
	}
	return &Type{
		Name:       "AWS::RDS::DBProxyTargetGroup",
		Properties: Props("ConnectionPoolConfigurationInfo DBClusterIdentifiers DBInstanceIdentifiers DBProxyName!@ TargetGroupName!@"),
		Attributes: []string{"TargetGroupArn"},
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			return deregister(op, text(op.Old["DBProxyName"]))
		},
	}
}

// proxyTargets are the databases that a proxy leads to: clusters, and instances that
// are of none.
func proxyTargets(op *Op, name string) (clusters, instances []string, err error) {
	out, err := Do(op, rds.DescribeDBProxyTargets, &rds.DescribeDBProxyTargetsInput{DBProxyName: name})
	if err != nil {
		return nil, nil, err
	}
	for _, t := range out.Targets {
		switch {
		case *t.Type == rds.TargetTypeTrackedCluster:
			clusters = append(clusters, *t.RdsResourceId)
		case t.TrackedClusterId == nil:
			instances = append(instances, *t.RdsResourceId)
		}
	}
	return clusters, instances, nil
}

// lead has a proxy lead to the databases of op.New, and to no others.
func lead(op *Op, name string) error {
	lower := func(v any) (out []string) {
		for _, id := range texts(v) {
			out = append(out, strings.ToLower(id))
		}
		return out
	}
	clusters, instances := lower(op.New["DBClusterIdentifiers"]), lower(op.New["DBInstanceIdentifiers"])
	haveClusters, haveInstances, err := proxyTargets(op, name)
	if err != nil || slices.Equal(clusters, haveClusters) && slices.Equal(instances, haveInstances) {
		return err
	}
	if err := deregister(op, name); err != nil {
		return err
	}
	if len(clusters)+len(instances) == 0 {
		return nil
	}
	_, err = Do(op, rds.RegisterDBProxyTargets, &rds.RegisterDBProxyTargetsInput{DBProxyName: name, DBClusterIdentifiers: clusters, DBInstanceIdentifiers: instances})
	return err
}

// deregister has a proxy lead nowhere.
func deregister(op *Op, name string) error {
	clusters, instances, err := proxyTargets(op, name)
	if err != nil || len(clusters)+len(instances) == 0 {
		return ignoreGone(err)
	}
	_, err = Do(op, rds.DeregisterDBProxyTargets, &rds.DeregisterDBProxyTargetsInput{DBProxyName: name, DBClusterIdentifiers: clusters, DBInstanceIdentifiers: instances})
	return err
}
