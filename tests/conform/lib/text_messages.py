# SPDX-License-Identifier: Apache-2.0
"""OpenFlow 1.3 messages as bytes, of every kind and in many shapes, for text_print.py.  Laid out by hand
from the specification; V is the list of them."""

import struct

def msg(t,body,xid=0,ver=4): return struct.pack('>BBHI',ver,t,8+len(body),xid)+body
def match(oxms=b''):
    l=4+len(oxms); return struct.pack('>HH',1,l)+oxms+b'\0'*((-l)%8)
def oxm(field,val,mask=None,cls=0x8000):
    return struct.pack('>HBB',cls,field<<1|(mask is not None),len(val)+(len(mask) if mask else 0))+val+(mask or b'')
IP=oxm(5,b'\x08\0'); INP=oxm(0,struct.pack('>I',3))
def out(p,m=0): return struct.pack('>HHIH6x',0,16,p,m)
def apply(*a):
    b=b''.join(a); return struct.pack('>HH4x',4,8+len(b))+b
def fm(m=b'',insts=b'',cookie=0,cm=0,tab=0,cmd=0,idle=0,hard=0,pri=0x8000,buf=0xffffffff,op=0xffffffff,og=0xffffffff,fl=0):
    return msg(14,struct.pack('>QQBBHHHIIIH2x',cookie,cm,tab,cmd,idle,hard,pri,buf,op,og,fl)+match(m)+insts)
def mp(t,body=b'',flags=0,req=False): return msg(18 if req else 19,struct.pack('>HH4x',t,flags)+body)
def port(n=1,name=b'eth0',cfg=0,st=0,c=0,a=0,s=0,p=0,cs=0,ms=0): return struct.pack('>I4x6s2x16sIIIIIIII',n,b'\2\0\0\0\0\1',name,cfg,st,c,a,s,p,cs,ms)
V=[]
V+= [msg(0,b''),msg(0,struct.pack('>HHI',1,8,0x12)),msg(0,struct.pack('>HHI',2,8,0x12)),msg(0,b'',ver=5)]
for t in range(14):
    for c in range(17): V.append(msg(1,struct.pack('>HH',t,c)+msg(20,b'',7)))
V+=[msg(1,struct.pack('>HH',0,0)+b'hello there'),msg(1,struct.pack('>HH',1,1)+b'abc'),msg(1,struct.pack('>HH',1,6)+fm()[:64]),msg(1,struct.pack('>HHI',0xffff,2300,0x4f4e4600)+msg(20,b'')),msg(1,struct.pack('>HHI',0xffff,2313,0x4f4e4600)+msg(20,b'')),msg(1,struct.pack('>HH',5,1)+fm(IP,apply(out(1)))),msg(1,struct.pack('>HH',5,1)+fm(IP+oxm(4,b'\1\2\3\4\5\6'),apply(out(1),out(2),out(3)))[:64]),msg(1,struct.pack('>HH',99,1)+msg(20,b''))]
V+=[msg(1,struct.pack('>HHI',0xffff,c,0x4f4e4600)+msg(20,b'')) for c in range(2300,2316)]
V+=[msg(2,b''),msg(3,b'abcdefghijk'),msg(5,b''),msg(7,b''),msg(8,struct.pack('>HH',1,0)),msg(8,struct.pack('>HH',2,65535)),msg(9,struct.pack('>HH',3,128)),msg(20,b''),msg(21,b''),msg(26,b'')]
V+=[msg(6,struct.pack('>QIBBHII',0x1234,0,254,0,0,0x16f,0)),msg(6,struct.pack('>QIBBHII',1,256,254,1,0,0x80000001,5))]
eth=bytes.fromhex('0102030405060708090a0b0c')
ip4=lambda proto,pl,frag=0,tos=0: struct.pack('>BBHHHBBH',0x45,tos,20+len(pl),1,frag,64,proto,0)+bytes([10,0,0,1,10,0,0,2])+pl
ip6=lambda nh,pl: struct.pack('>IHBB',0x60000000|0x08012345,len(pl),nh,64)+bytes(15)+b'\1'+bytes(15)+b'\2'+pl
tcp=struct.pack('>HHIIHHHH',80,1234,1,2,0x5012,100,0x1234,0); udp=struct.pack('>HHHH',53,54,12,0xabcd)+b'abcd'
pk=[eth+b'\x08\0'+ip4(6,tcp),eth+b'\x08\0'+ip4(17,udp,tos=0x2d),eth+b'\x08\0'+ip4(1,b'\x08\0\x12\x34\0\1\0\2'),eth+b'\x08\0'+ip4(132,b'\0\1\0\2'+bytes(8)),eth+b'\x08\0'+ip4(47,b'aaaa'),
 eth+b'\x08\0'+ip4(17,udp,0x2000),eth+b'\x08\0'+ip4(17,udp,0x2001),eth+b'\x08\0'+ip4(17,udp,1),eth+b'\x86\xdd'+ip6(6,tcp),eth+b'\x86\xdd'+ip6(17,udp),eth+b'\x86\xdd'+ip6(58,b'\x87\0\x12\x34\0\0\0\0'+bytes(16)+b'\1\1\1\2\3\4\5\6'),eth+b'\x86\xdd'+ip6(58,b'\x88\0\x12\x34\0\0\0\0'+bytes(16)+b'\2\1\1\2\3\4\5\6'),eth+b'\x86\xdd'+ip6(58,b'\x80\0\x12\x34\0\0\0\0'),
 eth+b'\x86\xdd'+ip6(59,b''),eth+b'\x81\0\x60\5\x08\0'+ip4(17,udp),eth+b'\x81\0\x60\5\x08\6'+bytes.fromhex('0001080006040002')+eth[6:]+b'\1\2\3\4'+eth[:6]+b'\5\6\7\x08',eth+b'\x88\xa8\x20\7\x81\0\x60\5\x12\x34abcd',eth+b'\x12\x34abcd',eth+b'\0\x05hello',eth+b'\x00\x10\xaa\xaa\3\0\0\0\x08\0'+ip4(17,udp)[:8],eth+b'\x88\x47\0\1\x23\x40\x00\1\x31\x40abc',eth+b'\x88\x48\0\1\x21\x40abc',eth+b'\x08\0'+ip4(6,tcp)[:30],eth+b'\x08\0'+b'\x45\0',eth+b'\x80\x35'+bytes.fromhex('0001080006040003')+bytes(20),eth[:10],b'',eth+b'\x86\xdd'+ip6(0,b'\x06\0\0\0\0\0\0\0'+tcp), eth+b'\x86\xdd'+ip6(44,b'\x11\0\0\1\0\0\0\5'+udp),eth+b'\x88\xcc\2\7\4',eth+b'\x08\0'+ip4(17,udp)+b'\0'*18,eth+b'\x08\0'+ip4(2,b'\x16\0\0\0\1\2\3\4')]
for i,p in enumerate(pk):
    V.append(msg(10,struct.pack('>IHBBQ',0xffffffff if i%2 else 5,len(p)+(i%3),i%3,i%4,0 if i%2 else (2**64-1 if i==4 else i))+match(INP)+b'\0\0'+p))
V+=[msg(10,struct.pack('>IHBBQ',0xffffffff,10,1,0,0)+match(INP+oxm(2,struct.pack('>Q',5))+oxm(38,struct.pack('>Q',7))+oxm(0,struct.pack('>I',9),None,1))+b'\0\0'+pk[0])]
for cfg in range(5): V.append(msg(11,struct.pack('>QHBBIIHHQQ',[0,5,0,7,2**64-1][cfg],[0x8000,1,0,3,4][cfg],cfg,[0,255,3,4,5][cfg],5,[0,5,1000000,999,123456789][cfg],[0,3,0,4,0][cfg],[0,0,6,7,0][cfg],3,4)+match([b'',IP,INP,b'',IP][cfg])))
V+=[msg(12,struct.pack('>B7x',r)+port(cfg=0xffffffff,st=0xffffffff,c=0xffffffff,cs=10000000,ms=1500)) for r in (0,1,2,3)]
V+=[msg(12,struct.pack('>B7x',2)+port(n,nm,st=s)) for n,nm,s in ((0xfffffffe,b'br0',1),(5,b'a b',2),(6,b'1x',3),(7,b'1234567890abcdef',0),(0xffffff01,b'x\x01y',8))]
V+=[msg(13,struct.pack('>IIH6x',b,ip_,len(a))+a+d) for b,ip_,a,d in ((0xffffffff,1,out(2),pk[0]),(7,0xfffffffd,b'',b''),(0xffffffff,0xfffffff8,out(0xfffffff9)+out(0xfffffffd,128),pk[1]),(0xffffffff,0xffffffff,b'',b''))]
V+=[fm(),fm(IP,apply(out(1))),fm(IP,apply(out(1)),5,0,1,1,3,4,7,0xffffffff,0xffffffff,0xffffffff,1),fm(IP,b'',5,7,255,3,0,0,7,0xffffffff,3,4,0),fm(b'',b'',5,2**64-1,2,4,0,0,7,op=0xfffffffd,og=5),fm(INP,apply(out(1)),2**64-1,0,0,2,0,0,0x8000,6,fl=31),fm(b'',b'',0,0,255,3,pri=5),fm(b'',b'',0,0,255,4,pri=5),fm(IP,apply(out(1)),0,0,3,0,0,0,0),fm(IP,b'',0,0,0,3,0,0,0x8000,0xffffffff,0xffffffff,0xfffffffc),fm(IP,apply(out(1)),0,0,0,1,0,0,0x8000,0xffffffff,3,2,0), fm(cmd=9)]
acts=[out(0xfffffffd,0xffff),out(0xfffffff8),out(0xfffffffb),struct.pack('>HH4x',11,8),struct.pack('>HHHBB',19,8,0x8847,0,0),struct.pack('>HHH2x',17,8,0x88a8),struct.pack('>HH4x',18,8),struct.pack('>HHI',21,8,5),struct.pack('>HHI',22,8,5),struct.pack('>HHB3x',23,8,5),struct.pack('>HH4x',24,8),struct.pack('>HHB3x',15,8,5),struct.pack('>HH4x',16,8),struct.pack('>HHH2x',20,8,0x800)]
V+=[fm(IP,apply(a)) for a in acts]+[fm(oxm(5,b'\x88\x47'),apply(a)) for a in acts]+[fm(oxm(6,b'\x10\x05'),apply(acts[6]))]
nx=lambda sub,b: struct.pack('>HHIH',0xffff,10+len(b),0x2320,sub)+b
V+=[fm(b'',apply(a)) for a in (nx(1,struct.pack('>H4x',5)),nx(1,struct.pack('>H4x',0xfffe)),nx(14,struct.pack('>HB3x',0xfff8,5)),nx(14,struct.pack('>HB3x',3,255)),nx(2,struct.pack('>2xI',5)),nx(9,struct.pack('>6xQ',5)),nx(6,struct.pack('>HHHII',8,0,8,0x00010004,0x00010204)),nx(7,struct.pack('>HIQ',31,0x00010004,5)),nx(7,struct.pack('>HIQ',2<<6|0,0x00010004,1)),nx(8,b'\1\2\3\4\5\6'),nx(15,struct.pack('>HIH6x',31,0x00010004,5)),nx(20,struct.pack('>HHBx',128,5,2)),nx(20,struct.pack('>HHBx',128,0,1)),nx(20,struct.pack('>HHBx',65535,0,0)),nx(5,bytes(6)),nx(33,bytes(6)+struct.pack('>IIIxxxx',0x00010108,5,7)),nx(7,struct.pack('>HIQ',15,0x00000802,0xf009)))]
ins=[struct.pack('>HHI',6,8,5),struct.pack('>HH4x',5,8),struct.pack('>HH4x',3,8+16)+out(3),struct.pack('>HH4xQQ',2,24,5,0xff),struct.pack('>HH4xQQ',2,24,5,2**64-1),struct.pack('>HHB3x',1,8,9)]
V+=[fm(b'',i) for i in ins]+[fm(b'',b''.join(reversed(ins[:4]+ins[5:])))]+[fm(b'',apply()),fm(b'',struct.pack('>HH4x',3,8))]
bucket=lambda w,wp,wg,a: struct.pack('>HHII4x',16+len(a),w,wp,wg)+a
V+=[msg(15,struct.pack('>HBxI',c,t,i)+b) for c,t,i,b in ((0,0,1,bucket(0,0xffffffff,0xffffffff,out(1))),(1,1,2,bucket(5,0xffffffff,0xffffffff,out(1))+bucket(1,0xffffffff,0xffffffff,b'')),(2,0,0xfffffffc,b''),(2,0,5,b''),(2,1,5,b''),(0,3,1,bucket(0,4,0xffffffff,out(1))+bucket(0,0xffffffff,7,out(1))),(0,2,3,bucket(0,0xffffffff,0xffffffff,out(1))),(0,1,4,b''),(1,1,2,bucket(0,0xffffffff,0xffffffff,out(1))))]
V+=[msg(16,struct.pack('>I4x6s2xIII4x',1,b'\2\0\0\0\0\1',c,m,a)) for c,m,a in ((1,1,0),(0x65,0x65,0xffff),(0,0,0))]
V+=[msg(17,struct.pack('>B3xI',t,c)) for t,c in ((0,0),(255,3),(5,1))]
V+=[msg(22,struct.pack('>I4x',p)) for p in (1,0xffffffff,0xfffffffe)]
q=lambda i,p,props: struct.pack('>IIH6x',i,p,16+len(props))+props
V+=[msg(23,struct.pack('>I4x',5)+b) for b in (b'',q(1,5,b''),q(1,5,struct.pack('>HH4xH6x',1,16,500))+q(2,5,struct.pack('>HH4xH6xHH4xH6x',1,16,0xffff,2,16,1000)),q(9,5,struct.pack('>HH4xH6xHH4xH6x',1,16,1001,2,16,3)))]
V+=[msg(t,struct.pack('>I4xQ',r,g)) for t in (24,25) for r,g in ((0,0),(1,5),(2,2**64-1),(3,7))]
V+=[msg(t,struct.pack('>6I',*a)) for t in (27,28) for a in ((0,0,0,0,0,0),(7,7,7,7,15,15),(1,2,4,1,8,3),(0xffffffff,)*6)]
V+=[msg(29,struct.pack('>HHI',c,f,i)+b) for c,f,i,b in ((0,1,1,struct.pack('>HHII4x',1,16,100,0)),(1,15,1,struct.pack('>HHII4xHHIIB3x',1,16,100,10,2,16,3,4,5)),(2,0,0xffffffff,b''),(2,0,7,b''),(0,2,0xfffffffe,struct.pack('>HHII4x',1,16,100,0)),(2,0,0xfffffffd,b''))]
EX=lambda e,t,b: msg(4,struct.pack('>II',e,t)+b)
V+=[EX(0x4f4e4600,2300,struct.pack('>IHH',5,t,f)) for t in range(9) for f in (0,3)]
V+=[EX(0x4f4e4600,2301,struct.pack('>I2xH',5,1)+fm(IP,apply(out(1)))),EX(0x2320,16,struct.pack('>I',2)),EX(0x2320,16,struct.pack('>I',0)),EX(0x1234,5,b'abcd'),EX(0x2320,10,struct.pack('>I',2))]
# multipart
V+=[mp(t,b'',0,True) for t in (0,3,7,8,11,12,13)]
V+=[mp(t,struct.pack('>B3xII4xQQ',tb,op,og,c,cm)+match(m),0,True) for t in (1,2) for tb,op,og,c,cm,m in ((255,0xffffffff,0xffffffff,0,0,b''),(3,5,6,7,2**64-1,IP),(0,0xfffffffe,0xffffffff,0,0,INP))]
V+=[mp(4,struct.pack('>I4x',p),0,True) for p in (1,0xffffffff)]+[mp(5,struct.pack('>II',p,qq),0,True) for p,qq in ((1,2),(0xffffffff,0xffffffff))]
V+=[mp(t,struct.pack('>I4x',g),0,True) for t in (6,9,10) for g in (1,0xfffffffc,0xffffffff,0xfffffffe)]
V+=[mp(0,struct.pack('256s256s256s32s256s',b'Weft',b'hw',b'sw 1',b'None',b'dp')),mp(0,struct.pack('256s256s256s32s256s',b'',b'',b'',b'',b''))]
fs=lambda m,insts,tab=0,pri=0x8000,idle=0,hard=0,fl=0,ck=0,ns=5000000: (lambda b: struct.pack('>H',len(b)+2)+b)(struct.pack('>BxIIHHHH4xQQQ',tab,7,ns,pri,idle,hard,fl,ck,1,2)+match(m)+insts)
V+=[mp(1,b''),mp(1,b'',1),mp(1,fs(IP,apply(out(1)))+fs(b'',b'',3,0,5,6,31,7,1)+fs(INP,ins[0]+ins[5],0,7)+fs(b'',b''))]
V+=[mp(2,struct.pack('>QQI4x',1,2,3))]
ts=lambda t,a,l,m: struct.pack('>B3xIQQ',t,a,l,m)
V+=[mp(3,b''),mp(3,ts(0,1,2,3)),mp(3,ts(0,1,2,3)+ts(1,0,0,0)+ts(2,0,0,0)+ts(3,0,0,0)+ts(4,5,6,7)+ts(5,5,6,7)),mp(3,b''.join(ts(i,0,0,0) for i in range(254))),mp(3,ts(0,1,2,3)+ts(1,0,0,0)+ts(2,0,0,0)+ts(3,4,5,6))]
ps=lambda p,*a: struct.pack('>I4x12QII',p,*a)
U=2**64-1
V+=[mp(4,b''),mp(4,ps(1,*range(1,13),5,500000000)+ps(0xfffffffe,*(U,)*12,0xffffffff,0xffffffff)),mp(4,ps(12,*range(1,13),5,0)+ps(123,*range(12),5,0)+ps(1234,*range(12),5,0)+ps(12345,1,U,3,U,5,U,7,U,9,U,11,12,5,0))]
V+=[mp(5,b''),mp(5,struct.pack('>IIQQQII',1,2,3,4,5,6,7000000)+struct.pack('>IIQQQII',0xfffffffe,0xffffffff,U,U,U,0xffffffff,0xffffffff))]
gs=lambda g,b: struct.pack('>H2xII4xQQII',40+len(b),g,3,4,5,6,7000000)+b
V+=[mp(6,b''),mp(6,gs(1,struct.pack('>QQ',1,2)*2)+gs(2,b''))]
gd=lambda t,g,b: struct.pack('>HBxI',8+len(b),t,g)+b
V+=[mp(7,b''),mp(7,gd(0,1,bucket(0,0xffffffff,0xffffffff,out(1)))+gd(1,2,bucket(5,0xffffffff,0xffffffff,out(1))+bucket(1,0xffffffff,0xffffffff,out(0xfffffffe)))+gd(3,3,bucket(0,4,0xffffffff,out(1))+bucket(0,0xffffffff,7,out(1)))+gd(2,9,bucket(0,0xffffffff,0xffffffff,b'')))]
V+=[mp(8,struct.pack('>II4I4I',t,c,1,2,3,4,*a)) for t,c,a in ((15,15,(0x07ffffff,1,0,0xffffffff)),(1,0,(1,0,0,0)),(4,1,(0,0,1,0)),(10,3,(0xf8019801,)*4))]
V+=[mp(9,b''),mp(9,struct.pack('>IH6xIQQII',1,40+16,2,3,4,5,6000000)+struct.pack('>QQ',7,8)+struct.pack('>IH6xIQQII',2,40,2,3,4,5,6))]
V+=[mp(10,b''),mp(10,struct.pack('>HHI',8+16,1,1)+struct.pack('>HHII4x',1,16,100,0)+struct.pack('>HHI',8+32,15,2)+struct.pack('>HHII4xHHIIB3x',1,16,100,10,2,16,3,4,5)+struct.pack('>HHI',8,2,0xfffffffe))]
V+=[mp(11,struct.pack('>IIIBB2x',*a)) for a in ((100,6,15,4,0),(0,0,0,0,0),(1,0x80000002,0xff,255,255))]
def prop(t,b): l=4+len(b); return struct.pack('>HH',t,l)+b+b'\0'*((-l)%8)
def tf(t,name,props,mm=U,mw=U,cfg=0,me=1000): return struct.pack('>HB5x32sQQII',64+len(props),t,name,mm,mw,cfg,me)+props
ii=lambda *k: b''.join(struct.pack('>HH',x,4) for x in k)
ox=lambda *k: b''.join(struct.pack('>HBB',0x8000,x<<1|m,l) for x,m,l in k)
base=lambda: prop(0,ii(1,2,3,4,5,6))+prop(2,bytes(range(1,254)))+prop(4,ii(0,11,12,17,18,22,25))+prop(6,ii(0,11,12,17,18,22,25))+prop(8,ox((0,0,4),(3,1,12),(5,0,2)))+prop(10,ox((0,0,4),(3,0,6),(5,0,2)))+prop(12,ox((3,0,6),(4,0,6)))+prop(14,ox((3,0,6),(4,0,6)))
V+=[mp(12,tf(0,b'classifier',base())),mp(12,tf(0,b'a',base())+tf(1,b'b',base())+tf(2,b'c',base())),mp(12,tf(0,b'a',base()+prop(1,ii(1,4))+prop(3,b'\5\7')+prop(5,ii(0))+prop(7,ii(0,25))+prop(13,ox((3,0,6)))+prop(15,b''),0,5,3,0)),mp(12,tf(253,b'',prop(0,b'')+prop(2,b'')+prop(4,b'')+prop(6,b'')+prop(8,b'')+prop(10,b'')+prop(12,b'')+prop(14,b''))),mp(12,tf(0,b'a',base())+tf(1,b'b',base(),5)+tf(2,b'c',base(),me=3)),mp(12,tf(0,b'a',base())+tf(1,b'b',base())+tf(2,b'c',base())+tf(5,b'c',base())+tf(6,b'',prop(0,ii(1))+prop(2,bytes([7,8,9,11,13]))+prop(4,ii(0))+prop(6,ii(0))+prop(8,ox((0,0,4)))+prop(10,b'')+prop(12,b'')+prop(14,ox((0,0,4)))+prop(1,b'')+prop(3,b'')+prop(5,b'')+prop(7,b'')+prop(13,b'')+prop(15,b''),0,0)),mp(12,tf(3,b'x',base().replace(prop(4,ii(0,11,12,17,18,22,25)),prop(4,b'')),5,6)),mp(12,b'')]
V+=[mp(13,b''),mp(13,port(1)+port(2,b'xyz',1,1,0x2808,0x2808,0,0,100000,0)+port(0xfffffffe,b'br0',0x65,7))]
V+=[mp(0xffff,struct.pack('>II',0x1234,5)+b'ab'),mp(0xffff,struct.pack('>II',0x1234,5)+b'ab',0,True),mp(14,b''),mp(99,b'',0,True)]
V+=[fm(IP)[:-4],msg(30,b''),msg(19,b''),b'\4',b'',msg(14,b'xx')]
# events: flow monitors, roles, asynchronous configuration
FM=lambda *m: msg(18,struct.pack('>HH4xII',0xffff,0,0x4f4e4600,1870)+b''.join(m))
FU=lambda *m,flags=0: msg(19,struct.pack('>HH4xII',0xffff,flags,0x4f4e4600,1870)+b''.join(m))
mon=lambda i,f,o=0xffffffff,t=255,m=b'': struct.pack('>IHHIB3x',i,f,len(match(m)),o,t)+match(m)
upd=lambda e,r=0,pri=5,idle=0,hard=0,t=0,c=0,m=INP,a=b'': (lambda b: struct.pack('>HH',4+len(b),e)+b)(struct.pack('>HHHHHBxQ',r,pri,idle,hard,4+len(m),t,c)+match(m)+a)
V+=[FM(mon(1,0x3f,3,2,INP)),FM(mon(1,0x0f,0xfffffffe),mon(2,2)),FM(mon(0xffffffff,0x22,0xfffffffd,0,IP)),FM()]
V+=[FU(upd(1,r)) for r in range(9)]+[FU(upd(0,2,32768,3,4,5,6,a=apply(out(1))),flags=1),FU(upd(2,t=255,c=6,m=b'')),FU(upd(2,m=b'',a=apply())),FU(struct.pack('>HHI',8,3,0x55)),FU(),
 FU(struct.pack('>HHI',8,3,0x55),upd(0),upd(0,m=IP,a=ins[5])),FU(upd(0,a=ins[0]+apply(out(1))+ins[5]))]
V+=[EX(0x4f4e4600,1870,struct.pack('>I',5)),EX(0x4f4e4600,1871,b''),EX(0x4f4e4600,1872,b'')]
V+=[EX(0x4f4e4600,1911,struct.pack('>IB3xQ',r,r,g)) for r,g in ((0,0),(1,5),(2,2**64-1),(3,7))]
V+=[EX(0x4f4e4600,2350,m) for m in (msg(15,struct.pack('>HBxI',0,0,1)+bucket(0,0xffffffff,0xffffffff,out(1))),msg(29,struct.pack('>HHI',2,0,7)))]
V+=[EX(0x2320,19,struct.pack('>6I',*a)) for a in ((0,)*6,(7,7,7,7,15,15),(0xffffffff,)*6)]+[EX(0x2320,20,struct.pack('>6xH',i)) for i in (0,65535)]
ap=lambda *l: b''.join(struct.pack('>HHI',t,8,m) for t,m in l)
V+=[EX(0x2320,27,b) for b in (b'',ap((0,7)),ap((0,7),(1,1),(2,7),(3,3),(4,1),(5,15),(6,7),(7,7),(8,0x18),(9,8),(10,3),(11,1)))]
V+=[msg(1,struct.pack('>HHI',0xffff,c,0x2320)+msg(20,b'')) for c in (4,6,7,8,9)]+[msg(1,struct.pack('>HHI',0xffff,c,0x4f4e4600)+msg(20,b'')) for c in (2370,2371,2372)]
