import sys; sys.path.insert(0,'/work/wt/compile'); sys.path.insert(0,'/work/wt/compile/proto')
import time, numpy as np, compiler as C
from tinytorch.core.tensor import Tensor
from tinytorch.core.networks import MLP
from tinytorch.core.training import SGD, cross_entropy
from tinytorch.core import autograd
from tinytorch.core.tensor import apply
from tinytorch.support.arrays import softmax_cross_entropy
from tinytorch.support.variables import bare_tensor as bare
rng=np.random.default_rng(0)
X=rng.normal(size=(64,64)).astype('f4'); Y=rng.integers(0,10,64)
def make():
    net=MLP([64,128,10],rng=0); return net,SGD(net.parameters(),lr=0.1)
net,opt=make(); net2,opt2=make()
def stepof(net,opt):
    def step(x,y):
        opt.zero_grad()
        loss=apply(softmax_cross_entropy, net(x), y)
        loss.backward(); opt.step(); return loss.data.data
    return step
e=stepof(net2,opt2)
ps=net.parameters()
def st(x,y): return stepof(net,opt)(bare(x),y)
p=C.trace(st,[X,Y],ps)
C.without_dead(p); C.without_common(p)
f,body,buffers=C.compiled(p,[q.data for q in ps]); print(body)
for k in range(6):
    x=rng.normal(size=(64,64)).astype('f4'); y=rng.integers(0,10,64)
    a=f(x,y); b=e(Tensor(x),y)
    assert a==b and all((p.data==q.data).all() for p,q in zip(net.parameters(),net2.parameters())),k
print('equal to the last bit')
